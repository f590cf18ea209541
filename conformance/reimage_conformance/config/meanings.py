"""What each key of a target file is for, in a sentence; what it accepts stands in `keys`, its default in the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET: Mapping[str, str] = {
    "name": "What reports call the endpoint; the folder of its reports is named after it.",
    "base_url": "Where the endpoint is. TLS and the Host header use the name in it.",
    "subscription_id": "The first segment of every path. Reports mask it.",
    "x_ms_version": "Sent wherever a case does not vary the version.",
    "strictness": "How literally the documents are read; `--strictness` overrides it.",
    "client_certificate": "The certificate that is presented, with its key or without: PEM, DER, PKCS#12 or a .publishsettings file. "
    "`REIMAGE_CONFORMANCE_CLIENT_CERTIFICATE` replaces it.",
    "client_key": "The key, where it is not in the file of the certificate. `REIMAGE_CONFORMANCE_CLIENT_KEY` replaces it.",
    "ca_bundle": "Whom to trust: roots, intermediates, or the endpoint's own certificate; the system's where it is left out. "
    "`REIMAGE_CONFORMANCE_CA_BUNDLE` replaces it.",
    "second_client_certificate": "Another certificate of the same subscription, with its key: REQ-AUTH-ANYCERT is judged with it.",
    "key_passphrase_file": "The first line of this file is the passphrase of the key.",
    "key_passphrase_env": "The environment variable that holds the passphrase of the key.",
    "second_key_passphrase_file": "The same for the second certificate, where its passphrase is another one.",
    "second_key_passphrase_env": "The same for the second certificate, where its passphrase is another one.",
    "connect_to": "Dialled in place of `base_url`, whose name TLS and Host keep: a tunnel, or one node behind a balancer.",
    "proxy": "The endpoint is reached through this proxy by CONNECT. Proxies in the environment are not used.",
    "proxy_credentials_file": "The first line of this file is user:password for the proxy.",
    "proxy_credentials_env": "The environment variable that holds user:password for the proxy.",
    "foreign_subscription_id": "A subscription that the certificate does not open: REQ-AUTH-FAIL is judged with it.",
    "other_subscription_id": "A second subscription that the certificate opens: REQ-GOS-OTHER-SUB is judged with it.",
    "complete": "True where nothing exists beside what this file lists; more bad requests are sent then.",
    "client_request_id": "True where each request is to carry an x-ms-client-request-id, `<run>-<exchange>`, so that it is found in the endpoint's own log.",
}
DEPLOYMENT: Mapping[str, str] = {
    "cloud_service": "The cloud service that holds the deployment.",
    "slot": "The slot that the deployment is in.",
    "name": "The name of the deployment, for the form by deployment name.",
    "role_instances": "The role instances that may be reimaged. What is on them is lost.",
    "failing_role_instances": "Role instances of which a reimage ends Failed, where there are some: what a failure looks like is judged with them.",
}
LIMITS: Mapping[str, str] = {
    "allow_reimage": "Must be true for an endpoint that is not on this machine.",
    "max_reimages": "No more reimages than this, counting those that a faulty endpoint starts on a bad request.",
    "operation_timeout_seconds": "An operation that has not ended by then counts as without end.",
    "poll_interval_seconds": "How long to wait between two polls of an operation.",
    "request_timeout_seconds": "A request that has no reply by then counts as unanswered.",
    "connections": "How many requests may be under way at the same time; 8 for an endpoint on this machine, 4 elsewhere.",
    "requests_per_second": "No more requests than this a second, over all connections.",
}
CAPABILITIES: Mapping[str, str] = {
    "get_deployment": "Whether the endpoint offers Get Deployment; it is asked once where this is auto.",
    "get_cloud_service": "Whether the endpoint offers Get Cloud Service Properties; it is asked once where this is auto.",
}
PROBE: Mapping[str, str] = {
    "url": "Where a role instance tells what is installed in it. Without it, what a reimage writes is not judged.",
}
