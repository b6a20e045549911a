"""A department's application with sign-in: authorization code flow with PKCE; Authlib checks state, nonce and ID token."""

import html
import os
import secrets

import uvicorn
from authlib.integrations.starlette_client import OAuth, OAuthError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

URL = os.environ["YINXIN_URL"]
PORT = int(os.environ.get("APP_PORT", "9401"))
oauth = OAuth()
oauth.register(
    "yinxin",
    server_metadata_url=f"{URL}/.well-known/openid-configuration",
    client_id=os.environ["YINXIN_RP_CLIENT_ID"],
    client_secret=os.environ["YINXIN_RP_CLIENT_SECRET"],
    client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
)


async def home(request: Request) -> Response:
    person = request.session.get("person")
    text = f"<p>您好 Hello, {html.escape(person)}</p>" if person else '<p><a href="/login">登录 Sign in</a></p>'
    return HTMLResponse(f'<!doctype html><html lang="zh-CN"><title>演示部门</title><h1>演示部门 Demonstration department</h1>{text}')


async def login(request: Request) -> Response:
    answer: Response = await oauth.yinxin.authorize_redirect(request, f"http://127.0.0.1:{PORT}/cb")
    return answer


async def callback(request: Request) -> Response:
    try:
        token = await oauth.yinxin.authorize_access_token(request)
        person = await oauth.yinxin.userinfo(token=token)
    except OAuthError as error:
        return HTMLResponse(f"<p>登录未完成 Not signed in: {html.escape(error.error)}</p>", status_code=403)
    if person["sub"] == token["userinfo"]["sub"]:  # whom the ID token names is who it is
        request.session["person"] = person.get("name", person["sub"])
    return RedirectResponse("/")


app = Starlette(
    routes=[Route("/", home), Route("/login", login), Route("/cb", callback)],
    middleware=[Middleware(SessionMiddleware, secret_key=secrets.token_hex(32))],
)
if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
