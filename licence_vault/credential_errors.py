"""The refusals of what concerns credentials for wallets. One function per refusal, so that code, kind and facts are stated once."""

from __future__ import annotations

from standards.errors import Kind, TrustError


def credential_too_large(limit_characters: int) -> TrustError:
    """A licence says more than a credential can hold."""
    return TrustError(Kind.TOO_LARGE, "CREDENTIAL_TOO_LARGE", limit_characters=limit_characters)


def credential_request_malformed(found: str) -> TrustError:
    """A wallet's request cannot be read. ``found``: the part."""
    return TrustError(Kind.MALFORMED, "CREDENTIAL_REQUEST_MALFORMED", found=found)


def credential_configuration_unknown() -> TrustError:
    """A wallet asks for a credential that is not in its offer."""
    return TrustError(Kind.UNACCEPTABLE, "CREDENTIAL_CONFIGURATION_UNKNOWN")


def credential_proof_invalid(reason: str) -> TrustError:
    """A wallet does not show that it has its key. ``reason`` names the rule."""
    return TrustError(Kind.UNACCEPTABLE, "CREDENTIAL_PROOF_INVALID", reason=reason)


def credential_nonce_invalid() -> TrustError:
    """The nonce in a wallet's proof is not ours, too old, or used."""
    return TrustError(Kind.UNACCEPTABLE, "CREDENTIAL_NONCE_INVALID")


def credential_grant_unsupported() -> TrustError:
    """Another grant than the pre-authorised code."""
    return TrustError(Kind.UNACCEPTABLE, "CREDENTIAL_GRANT_UNSUPPORTED")


def credential_tx_code_missing() -> TrustError:
    """The offer has a transaction code, which was not sent, or none, and one was."""
    return TrustError(Kind.UNACCEPTABLE, "CREDENTIAL_TX_CODE_MISSING")


def credential_offer_invalid() -> TrustError:
    """The code of an offer, or the digits beside it, do not count (any more). Which of them is not said."""
    return TrustError(Kind.UNACCEPTABLE, "CREDENTIAL_OFFER_INVALID")


def credential_token_invalid() -> TrustError:
    """The access token of a wallet does not count (any more)."""
    return TrustError(Kind.UNAUTHENTICATED, "CREDENTIAL_TOKEN_INVALID")


def credential_denied(state: str) -> TrustError:
    """No credential of a licence that is not in force."""
    return TrustError(Kind.CONFLICT, "CREDENTIAL_DENIED", state=state)


def credential_licence_unknown() -> TrustError:
    """No such licence, or none the caller may see."""
    return TrustError(Kind.NOT_FOUND, "CREDENTIAL_LICENCE_UNKNOWN")


def credential_self_check_failed() -> TrustError:
    """Our own verifier does not call what was just signed valid; it does not leave."""
    return TrustError(Kind.UNAVAILABLE, "CREDENTIAL_SELF_CHECK_FAILED")


def credential_type_unknown() -> TrustError:
    """No licence type of that code is published."""
    return TrustError(Kind.NOT_FOUND, "CREDENTIAL_TYPE_UNKNOWN")


def rate_exceeded(retry_after_seconds: int) -> TrustError:
    """Too many requests of one peer."""
    return TrustError(Kind.TOO_MANY, "WALLET_RATE_EXCEEDED", retry_after_seconds=retry_after_seconds)


def presentation_question_unfit(part: str) -> TrustError:
    """A question to a wallet is not one that can be asked. ``part``: of the request."""
    return TrustError(Kind.UNACCEPTABLE, "PRESENTATION_QUESTION_UNFIT", part=part)


def presentation_unknown() -> TrustError:
    """There is no such question, or it is another's."""
    return TrustError(Kind.NOT_FOUND, "PRESENTATION_UNKNOWN")


def presentation_over() -> TrustError:
    """The question was answered before, or its time is over."""
    return TrustError(Kind.CONFLICT, "PRESENTATION_OVER")


def presentation_state_wrong() -> TrustError:
    """The answer does not bring the state of its question."""
    return TrustError(Kind.UNACCEPTABLE, "PRESENTATION_STATE_WRONG")


def offer_altered(offer_id: str) -> TrustError:
    """The row of an offer is not as the program wrote it."""
    return TrustError(Kind.UNAVAILABLE, "CREDENTIAL_OFFER_ALTERED", offer=offer_id)


def credential_keys_unfit() -> TrustError:
    """What should be the published keys of an issuer of credentials is not."""
    return TrustError(Kind.MALFORMED, "CREDENTIAL_KEYS_UNFIT")
