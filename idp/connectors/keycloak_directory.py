"""A realm of Keycloak as a directory that follows ours, through python-keycloak.

Persons become users named by their account id, organisations groups of that name with their agents as members. Numbers of identity
documents, telephones, mail and passwords stay here. Where the realm has this deployment as an identity provider, each user is joined with
his account there, so that the first sign-in through it finds him.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from keycloak import KeycloakAdmin
from keycloak.exceptions import KeycloakError

from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from idp.model.people import Account

CURSOR: Final = "yinxinCursor"  # attribute of the realm: how far it has followed
TIMEOUT_SECONDS: Final = 20
_NAME_CHARACTERS_MAX: Final = 255
_NOT_FOUND: Final = 404


class KeycloakDirectory:
    """One realm. Every method may raise DIRECTORY_PUSH_FAILED with what Keycloak answered. Use as a context manager."""

    def __init__(self, url: str, realm: str, client_id: str, client_secret: str, provider: str) -> None:
        """``client_id``: a client of the realm with a service account that may manage users and the realm. ``provider``: alias of this
        deployment among the realm's identity providers; empty: none.
        """
        self._realm, self._provider = realm, provider
        self._admin = KeycloakAdmin(
            server_url=url,
            realm_name=realm,
            user_realm_name=realm,
            client_id=client_id,
            client_secret_key=client_secret,
            grant_type="client_credentials",
            timeout=TIMEOUT_SECONDS,
        )

    def __enter__(self) -> KeycloakDirectory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        connection: Any = self._admin.connection
        connection.keycloak_openid.connection._s.close()  # noqa: SLF001 - the library offers no way to close its sessions
        connection._s.close()  # noqa: SLF001

    def __repr__(self) -> str:
        return f"KeycloakDirectory({self._realm!r})"

    def read_cursor(self) -> str:
        """Where the realm stands in our feed; empty: at its beginning."""
        return str((_asked(lambda: self._admin.get_realm(self._realm)).get("attributes") or {}).get(CURSOR, ""))

    def write_cursor(self, cursor: str) -> None:
        """Note in the realm how far it has followed."""
        attributes = _asked(lambda: self._admin.get_realm(self._realm)).get("attributes") or {}
        _asked(lambda: self._admin.update_realm(self._realm, {"attributes": {**attributes, CURSOR: cursor}}))

    def put_person(self, account: Account, *, is_active: bool) -> None:
        """The user of an account as the account is now: made, changed, enabled or disabled."""
        payload = {
            "username": account.account_id,
            "enabled": is_active,
            "firstName": account.name[:_NAME_CHARACTERS_MAX],
            "attributes": {"yinxin_level": [str(account.level)], "yinxin_area": [account.area]},
        }
        user_id = self._user_id(account.account_id)
        if user_id is None:
            user_id = _asked(lambda: self._admin.create_user(payload))
        else:
            known = user_id
            _asked(lambda: self._admin.update_user(known, payload))
        if not is_active:
            _asked(lambda: self._admin.user_logout(user_id))
        if self._provider and not any(
            each.get("identityProvider") == self._provider for each in _asked(lambda: self._admin.get_user_social_logins(user_id))
        ):
            _asked(lambda: self._admin.add_user_social_login(user_id, self._provider, account.account_id, account.account_id))

    def put_organisation(self, account: Account, members: frozenset[str]) -> None:
        """The group of an organisation with exactly these persons (account ids) in it; persons whom the realm does not know are left out."""
        payload = {"name": account.account_id, "attributes": {"yinxin_name": [account.name[:_NAME_CHARACTERS_MAX]]}}
        group_id = self._group_id(account.account_id)
        if group_id is None:
            group_id = str(_asked(lambda: self._admin.create_group(payload)))
        else:
            known = group_id
            _asked(lambda: self._admin.update_group(known, payload))
        present = {str(each["username"]): str(each["id"]) for each in _asked(lambda: self._admin.get_group_members(group_id))}
        for name in sorted(members - set(present)):
            user_id = self._user_id(name)
            if user_id is not None:
                _asked(partial(self._admin.group_user_add, user_id, group_id))
        for name in sorted(set(present) - members):
            _asked(partial(self._admin.group_user_remove, present[name], group_id))

    def _user_id(self, name: str) -> str | None:
        found: str | None = _asked(lambda: self._admin.get_user_id(name))
        return found

    def _group_id(self, name: str) -> str | None:
        try:
            return str(self._admin.get_group_by_path(f"/{name}")["id"])
        except KeycloakError as error:
            if error.response_code == _NOT_FOUND:
                return None
            raise _failed(error) from None


def _asked(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except KeycloakError as error:
        raise _failed(error) from None


def _failed(error: KeycloakError) -> TrustError:
    return TrustError(Kind.UNAVAILABLE, "DIRECTORY_PUSH_FAILED", reason=type(error).__name__, status=error.response_code or 0)
