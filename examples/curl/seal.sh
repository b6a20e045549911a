#!/bin/sh
# 令牌 → 盖章 → 核验。Token, seal, verify. Usage: seal.sh INPUT.pdf OUTPUT.pdf
# 需要环境变量 Needs: YINXIN_URL YINXIN_CLIENT_ID YINXIN_CLIENT_SECRET YINXIN_SEAL_ID
set -eu

input=${1:?INPUT.pdf OUTPUT.pdf}
output=${2:?INPUT.pdf OUTPUT.pdf}

# 密钥和令牌经标准输入交给 curl，不出现在进程列表中。Secrets reach curl by its standard input: no list of processes shows them.
answer=$(printf 'user = "%s:%s"\n' "$YINXIN_CLIENT_ID" "$YINXIN_CLIENT_SECRET" |
    curl -sS --fail-with-body -K - -d grant_type=client_credentials "$YINXIN_URL/oauth2/token") || { echo "$answer" >&2; exit 1; }
token=$(echo "$answer" | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')
call() { printf 'header = "authorization: Bearer %s"\n' "$token" | curl -sS --fail-with-body -K - "$@"; }

# 1. 盖章：同一文件重试时幂等键相同，不会盖第二次。Seal it; a retry with the same key gives the same answer and seals nothing again.
key=$(sha256sum <"$input" | cut -c1-32)
call -H "idempotency-key: $key" -F "document=@$input;type=application/pdf" -F 'placement={"page": 1, "x_mm": 150, "y_mm": 60}' \
    -F 'reason=办结 Settled' -o "$output" "$YINXIN_URL/v1/seals/$YINXIN_SEAL_ID/signatures" || { cat "$output" >&2; exit 1; }

# 2. 核验：任何人都可以，不需要令牌。Anybody may verify, without a token.
verdict=$(curl -sS --fail-with-body -F "document=@$output" "$YINXIN_URL/v1/verifications" |
    grep -o '"verdict": *"[a-z]*"' | head -n 1 | sed 's/.*"\([a-z]*\)"$/\1/')
echo "$output: $verdict"
[ "$verdict" = valid ]
