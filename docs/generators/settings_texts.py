"""What each setting means, where the program says it too shortly: name -> (default as people read it, or empty for the program's; meaning)."""

from __future__ import annotations

from typing import Final

MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "services": ("all", "which services this process runs: `idp`, `seal_service`, `licence_vault`"),
    "service_client.id": (
        "none: they are not called",
        "as which client services elsewhere are called ([services apart](services-apart.md))",
    ),
    "service_client.secret_file": ("", "the file with its secret, in the deployment's folder, mode 0600"),
    "service_client.timeout_seconds": ("", "how long one call may take"),
    "service_urls": ("", 'where the others run: `["idp=https://id.example.org"]`'),
    "base_url": (
        "`http://host:port`",
        "what the world calls the deployment, without a path: issuer and audience of tokens, addresses inside certificates",
    ),
    "listen.host": ("", "where the server listens; TLS or TLCP ends in [front of it](../how-to/tls.md)"),
    "listen.port": ("", "the port; 0 lets the system choose"),
    "workers": ("", "processes"),
    "threads": ("", "threads and database connections of each"),
    "database_url": ("`yinxin.sqlite3` in the folder", "`sqlite:///...` or `postgresql://...`"),
    "sm2_provider": (
        "the first there is, and Botan, if there, for private keys",
        "`libcrypto`, `botan`, or `gmssl` (verifies only), for everything",
    ),
    "libcrypto_path": ("the system's", "another libcrypto, such as Tongsuo's"),
    "time_stamps.url": ("the own authority", "an RFC 3161 authority outside; its root must be in `trust_path`"),
    "time_stamps.timeout_seconds": ("", "how long it may take"),
    "trust_path": ("", "a [trust list](trust-list.md) that counts besides the own root"),
    "subject_hash": (
        "the keyed one",
        "`package.module:name` of a site's own function for the [subject hash](identity.md#what-clients-learn); it is called once at the start to try it",
    ),
    "upstreams": (
        "",
        "the file that describes the [identity providers](federation.md) at which people may sign in besides this one; none need be there",
    ),
    "outbound.networks": (
        "none",
        "what may be called of the addresses that others gave (webhooks, key sets, logout notices, callbacks of CAS proxies): networks, or `public`",
    ),
    "outbound.timeout_seconds": ("", "how long such a call may take"),
    "client_certificates.header": (
        "",
        "the header in which a proxy shows the [certificates of clients](openid-provider.md); it must drop what others send in it",
    ),
    "client_certificates.verified_header": (
        "",
        "the header that says `SUCCESS` or `0` where the proxy found the certificate to be of an authority it trusts",
    ),
    "client_certificates.peers": ("", "the networks of these proxies; nobody else's headers count"),
    "dpop.nonces": (
        "",
        "of whom a nonce is demanded in proofs of possession ([RFC 9449 8, 9](bound-tokens.md)): `never`, `fapi2` (clients of that profile), `always`",
    ),
    "openid.implicit": (
        "",
        "tokens by way of the browser ([front channel](openid-front-channel.md)) for clients that register it; leave it closed but for certification as a Dynamic provider",
    ),
    "openid.request_uri": (
        "",
        "requests fetched from addresses that clients registered ([front channel](openid-front-channel.md)); they must be within `outbound.networks`",
    ),
    "logs.origin": ("", "the log's name in its checkpoints; never change it once entries exist"),
    "logs.interval_seconds": ("", "pace of the sequencer"),
    "logs.anchor_paths": ("none", "further folders that keep the newest checkpoint ([the log](transparency-log.md))"),
    "logs.witnesses": (
        "",
        "who cosigns checkpoints, `<log>/<tree> <URL> <witness key>` each ([witnesses](licence-log.md#witnesses)); `outbound.networks` must allow the address",
    ),
    "limits.body_bytes": ("64 MiB", "a request's body"),
    "limits.header_count": ("", "how many headers a request may have"),
    "limits.header_bytes": ("32 KiB", "how large a request's head may be"),
    "limits.request_seconds": ("", "a request's time"),
    "limits.write_queue": ("", "writes that may wait in one process"),
    "seals.two_person_review": (
        "true outside of demonstrations",
        "seals are made only for applications that somebody else approved; `POST /v1/seals` answers 403 `SEAL_REVIEW_REQUIRED`",
    ),
    "seals.data_version": (
        "",
        "data version of the seals that are made, where the request says nothing: 4 (GB/T 38540-2020), 5 (GM/T 0031-2025, with a time-stamp over the making)",
    ),
    "console.api_url": ("none: to the process itself", "where the pages' calls of the API go ([console](console.md))"),
    "region.url": ("none: nothing is called", "the region's seal platform ([regional platform](regional-platform.md))"),
    "region.platform_key": ("", "the key or certificate that signs its answers"),
    "region.networks": ("", "what may be reached for it, as `outbound.networks`"),
    "region.timeout_seconds": ("", "how long it may take"),
    "region.clock_skew_seconds": ("", "how far its clock may be off"),
    "collector.url": ("none: nothing is reported", "the region's collector of licences ([reporting](reporting.md))"),
    "collector.platform_key": ("", "the key or certificate that signs its answers"),
    "collector.networks": ("", "what may be reached for it, as `outbound.networks`"),
    "collector.field_map": ("the usual one", "a file that says how records are written"),
    "collector.timeout_seconds": ("", "how long it may take"),
    "collector.clock_skew_seconds": ("", "how far its clock may be off"),
    "exchange.url": ("none: nobody is asked", "by which other regions are asked for licences ([foreign licences](foreign-licences.md))"),
    "exchange.trust_folder": ("", "the trust list of each region, `<region>.json`; a region without one is not asked"),
    "log_level": ("", "`DEBUG`, `INFO`, `WARNING`, `ERROR`"),
    "demo": ("", "a demonstration: says so everywhere, and allows the fail points of the tests"),
    "devices": ("", "the file that describes [cryptographic devices](signing-devices.md) and the keys in them; none need be there"),
    "pdf_ses_filter": ("", "the /Filter under which a [SES_Signature stands alone in a PDF](ses-in-pdf.md); no standard registers one"),
    "pdf_ses_subfilter": ("", "its /SubFilter"),
    "region.account": ("", "what the platform calls this deployment"),
    "region.filing_path": ("", "its path for filing seals"),
    "region.state_path": ("", "its path for the states of seals"),
    "region.names": ("", "`ours=theirs`, where it calls members otherwise"),
    "region.states": ("", "`ours=theirs`, where it calls states otherwise"),
    "collector.account": ("", "what it calls this deployment"),
    "collector.record_path": ("", "its path for records"),
    "collector.type_path": ("", "its path for types"),
    "collector.erasure_path": ("", "its path for erasures"),
    "collector.range_path": ("", "its path for ranges of records, when reconciling"),
    "collector.names": ("", "`ours=theirs`, where it calls members otherwise"),
    "exchange.platform_key": ("", "the key or certificate that signs its answers"),
    "exchange.networks": ("", "what may be reached for it, as `outbound.networks`"),
    "exchange.account": ("", "what it calls this deployment"),
    "exchange.query_path": ("", "its path for queries"),
    "exchange.names": ("", "`ours=theirs`, where it calls members otherwise"),
    "exchange.timeout_seconds": ("", "how long it may take"),
    "exchange.clock_skew_seconds": ("", "how far its clock may be off"),
}

AFTERWORD: Final = """
## The master key

It opens `keys/` and is never in the settings. In this order: `YINXIN_MASTER_KEY` (32 hexadecimal digits), `YINXIN_MASTER_KEY_PASSPHRASE`
(with the salt in `master.salt`), else a file (mode 0600): `YINXIN_MASTER_KEY_FILE`, or `master.key` in the folder.
`yinxin keys rotate-master` changes it; stop the server first.
"""
