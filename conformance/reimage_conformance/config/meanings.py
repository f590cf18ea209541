"""The meaning of each key of a target file, in a sentence; `keys` says what it accepts, the model has its default."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET: Mapping[str, str] = {
    "name": "The name of the endpoint in reports, and of the folder of its reports.",
    "base_url": "The URL of the endpoint. TLS and the Host header use its host name.",
    "subscription_id": "The first segment of every path. Reports mask it, unless it is a part of a name that they show.",
    "x_ms_version": "The x-ms-version of all requests in which a case does not vary the version.",
    "strictness": "How literally the documents are read; `--strictness` overrides it.",
    "client_certificate": "The file of the client certificate, with or without its key: PEM, DER, PKCS#12 or .publishsettings. "
    "`REIMAGE_CONFORMANCE_CLIENT_CERTIFICATE` replaces it.",
    "client_key": "The file of the key, if the file of the certificate does not hold it. `REIMAGE_CONFORMANCE_CLIENT_KEY` replaces it.",
    "ca_bundle": "The trusted certificates: roots, intermediates, or the endpoint's own; those of the system if left out. "
    "`REIMAGE_CONFORMANCE_CA_BUNDLE` replaces it.",
    "second_client_certificate": "Another certificate of the same subscription, with its key: REQ-AUTH-ANYCERT is judged with it.",
    "key_passphrase_file": "The first line of this file is the passphrase of the key.",
    "key_passphrase_env": "The environment variable that holds the passphrase of the key.",
    "second_key_passphrase_file": "The same for the key of the second certificate, if its passphrase differs.",
    "second_key_passphrase_env": "The same for the key of the second certificate, if its passphrase differs.",
    "connect_to": "The address to connect to in place of `base_url`, such as a tunnel or one node behind a load balancer. "
    "TLS and the Host header still use the name in `base_url`.",
    "proxy": "The HTTP proxy through which the endpoint is reached, by CONNECT. Proxies in the environment are not used.",
    "proxy_credentials_file": "The first line of this file is user:password for the proxy.",
    "proxy_credentials_env": "The environment variable that holds user:password for the proxy.",
    "foreign_subscription_id": "A subscription that the certificate may not use: REQ-AUTH-FAIL is judged with it.",
    "other_subscription_id": "A second subscription that the certificate may use: REQ-GOS-OTHER-SUB is judged with it.",
    "complete": "True if nothing exists at the endpoint but what this file lists; more bad requests are sent then.",
    "client_request_id": "True to send an x-ms-client-request-id, `<run>-<exchange>`, by which requests are found in the endpoint's log.",
}
DEPLOYMENT: Mapping[str, str] = {
    "cloud_service": "The cloud service that holds the deployment.",
    "slot": "The slot that the deployment is in.",
    "name": "The name of the deployment, for the URI form by deployment name.",
    "role_instances": "The role instances that may be reimaged. Their data is lost.",
    "failing_role_instances": "Role instances whose reimage ends Failed, if there are any: the answers about a failure are judged with them.",
}
LIMITS: Mapping[str, str] = {
    "allow_reimage": "Must be true for an endpoint that is not on this machine.",
    "max_reimages": "The limit of reimages in a run. Reimages that a faulty endpoint starts on a bad request count too.",
    "operation_timeout_seconds": "An operation that has not ended after this time is not polled any more.",
    "poll_interval_seconds": "The longest pause between two polls of an operation.",
    "request_timeout_seconds": "A request without reply after this time counts as unanswered.",
    "connections": "How many requests may be under way at the same time; 8 for an endpoint on this machine, 4 elsewhere.",
    "requests_per_second": "The limit of requests in a second, over all connections.",
}
CAPABILITIES: Mapping[str, str] = {
    "get_deployment": "Whether the endpoint offers Get Deployment; with auto, the suite finds out.",
    "get_cloud_service": "Whether the endpoint offers Get Cloud Service Properties; with auto, the suite finds out.",
}
PROBE: Mapping[str, str] = {
    "url": "The URL at which a role instance answers with its installation id. Without it, the new installation is not judged.",
}
