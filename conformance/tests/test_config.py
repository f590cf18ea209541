"""Target files: what a good one means, and that every mistake in a bad one is named."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.config import is_loopback, load_target, new_target_text, target_from_mapping, target_to_mapping
from reimage_conformance.config import keys as config_keys
from reimage_conformance.errors import JournalError, TargetError
from reimage_conformance.model import Deployment, Strictness, Target

if TYPE_CHECKING:
    from pathlib import Path

PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"
GOOD = """\
[target]
name = "rig"
base_url = "https://127.0.0.1:8443"
subscription_id = "6a8b7c2e-0000-4000-8000-000000000001"

[[deployments]]
cloud_service = "contoso"
slot = "production"
name = "contoso-v1"
role_instances = ["WebRole1_IN_0", "WorkerRole1_IN_0"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "target.toml"


def load(file: Path, text: str, **environment: str) -> Target:
    file.write_text(text, encoding="utf-8")
    return load_target(file, environment=environment)


def complaint(file: Path, text: str, **environment: str) -> str:
    with pytest.raises(TargetError) as caught:
        load(file, text, **environment)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    return message.removeprefix(f"{file}: ")


def test_a_small_file_takes_the_defaults(file: Path) -> None:
    target = load(file, GOOD)
    assert target == Target(
        name="rig",
        base_url="https://127.0.0.1:8443",
        subscription_id="6a8b7c2e-0000-4000-8000-000000000001",
        deployments=(Deployment("contoso", "production", "contoso-v1", ("WebRole1_IN_0", "WorkerRole1_IN_0")),),
    )


def test_every_key_arrives(file: Path) -> None:
    (file.parent / "both.pem").write_text(PEM + KEY)
    (file.parent / "client.key").write_text(KEY)
    (file.parent / "ca.pem").write_text(PEM)
    settings = """\
        x_ms_version = "2012-03-01"
        strictness = "lenient"
        client_certificate = "both.pem"
        client_key = "client.key"
        ca_bundle = "ca.pem"
        second_client_certificate = "both.pem"
        foreign_subscription_id = "f"
        other_subscription_id = "o"
    """
    text = GOOD.replace("[[deployments]]", settings + "[[deployments]]") + (
        'failing_role_instances = ["WebRole1_IN_9"]\n'
        "[limits]\nallow_reimage = true\nmax_reimages = 2\noperation_timeout_seconds = 60\n"
        "poll_interval_seconds = 0.5\nrequest_timeout_seconds = 3\nrequests_per_second = 7.5\n"
        '[capabilities]\nget_deployment = true\nget_cloud_service = "auto"\n'
        '[probe]\nurl = "http://127.0.0.1:9000/{cloud_service}/{deployment_name}/{role_instance}"\n'
    )
    target = load(file, text)
    assert (target.x_ms_version, target.strictness) == ("2012-03-01", Strictness.LENIENT)
    assert target.client_certificate == target.second_client_certificate == file.parent / "both.pem"
    assert (target.client_key, target.ca_bundle) == (file.parent / "client.key", file.parent / "ca.pem")
    assert (target.foreign_subscription_id, target.other_subscription_id) == ("f", "o")
    assert target.deployments[0].failing_role_instances == ("WebRole1_IN_9",)
    assert (target.limits.allow_reimage, target.limits.max_reimages) == (True, 2)
    assert (target.limits.operation_timeout_seconds, target.limits.poll_interval_seconds) == (60.0, 0.5)
    assert (target.limits.request_timeout_seconds, target.limits.requests_per_second) == (3.0, 7.5)
    assert (target.capabilities.get_deployment, target.capabilities.get_cloud_service) == (True, None)
    assert target.probe_url == "http://127.0.0.1:9000/{cloud_service}/{deployment_name}/{role_instance}"


def test_options_lie_over_the_file(file: Path) -> None:
    load(file, GOOD)
    target = load_target(file, strictness=Strictness.LENIENT, allow_reimage=True, max_reimages=0, environment={})
    assert (target.strictness, target.limits.allow_reimage, target.limits.max_reimages) == ("lenient", True, 0)


def test_a_file_for_new_targets_loads_as_it_is(file: Path) -> None:
    target = load(file, new_target_text())
    assert target.limits.allow_reimage is False


def test_every_key_stands_in_the_file_for_new_targets(file: Path) -> None:
    for name in ("client.pem", "client.key", "ca.pem", "second.pem"):
        (file.parent / name).write_text(PEM + KEY)
    for name in ("passphrase.txt", "second.txt", "proxy.txt"):
        (file.parent / name).write_text("open sesame\n")
    uncommented = re.sub(r"(?m)^# (?=[a-z_]+ = |\[)", "", new_target_text())
    for name in ("foreign", "other"):
        uncommented = uncommented.replace('"..."', f'"{name}"', 1)
    once = re.sub(r"(?m)^(key_passphrase|second_key_passphrase|proxy_credentials)_env = .*\n", "", uncommented)
    target = load(file, once)  # a secret is named by a file or by a variable
    document = tomllib.loads(uncommented)
    assert target.probe_url == document["probe"]["url"]
    assert document["target"].keys() == config_keys.TARGET.keys()
    assert document["deployments"][0].keys() == config_keys.DEPLOYMENT.keys()
    assert document["limits"].keys() == config_keys.LIMITS.keys()
    assert document["capabilities"].keys() == config_keys.CAPABILITIES.keys()


def test_a_missing_file_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "staging-rig.toml").write_text(GOOD)
    with pytest.raises(TargetError, match=r"there is no such target file; did you mean '.*staging-rig.toml'"):
        load_target(tmp_path / "stagingrig.toml")


def test_a_missing_file_alone_is_answered_with_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="new-target"):
        load_target(tmp_path / "no" / "x.toml")


def test_a_folder_is_no_target_file(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="is a folder; expected the name of a target file"):
        load_target(tmp_path)


def test_broken_toml_is_told_with_its_line(file: Path) -> None:
    assert "line 2" in complaint(file, '[target]\nname = "rig\n')


def test_octets_that_are_no_text_are_told(file: Path) -> None:
    for octets, told in (
        (b"\xff\xfe", "saved as UTF-16"),
        ("x".encode("utf-16-le"), "saved as UTF-16"),
        (b"\xe9", "not UTF-8"),
    ):
        file.write_bytes(octets)
        with pytest.raises(TargetError, match=told):
            load_target(file)


MISTAKES = {
    "unknown key": (
        GOOD + "[limits]\ntimout = 3\n",
        'unknown key "timout" in [limits]; did you mean "operation_timeout_seconds" or "request_timeout_seconds"?',
    ),
    "misspelt key": (
        GOOD.replace("base_url", "baseurl"),
        'unknown key "baseurl" in [target]; did you mean "base_url"?',
    ),
    "unlike any key": (GOOD + "[probe]\nqqq = 1\n", 'unknown key "qqq" in [probe]; known keys are url'),
    "unknown table": (GOOD + "[limit]\n", 'unknown key "limit" at the top level; did you mean "limits"?'),
    "missing key": (GOOD.replace('name = "rig"\n', ""), 'missing key "name" in [target]; expected a non-empty string'),
    "missing table": (GOOD[GOOD.index("[[dep") :], "the table [target] is missing"),
    "no deployments": (GOOD[: GOOD.index("[[dep")], "at least one [[deployments]] table is expected, found nothing"),
    "empty deployments": (
        "deployments = []\n" + GOOD[: GOOD.index("[[dep")],
        "at least one [[deployments]] table is expected, found the array []",
    ),
    "deployment is no table": (
        "deployments = [3]\n" + GOOD[: GOOD.index("[[dep")],
        "[[deployments]] number 1 is expected to be a table, found the integer 3",
    ),
    "target is no table": ("target = 3\n" + GOOD[GOOD.index("[[dep") :], "[target] is expected to be a table"),
    "number for text": (GOOD.replace('"rig"', "3"), '"name" in [target] is expected to be a non-empty string'),
    "empty text": (GOOD.replace('"rig"', '""'), "found the string ''"),
    "line break in text": (GOOD.replace('"rig"', '"a\\nb"'), "without control characters"),
    "flag for number": (GOOD + "[limits]\nmax_reimages = true\n", "an integer from 0 on, found the boolean true"),
    "negative budget": (GOOD + "[limits]\nmax_reimages = -1\n", "found the integer -1"),
    "no time": (
        GOOD + "[limits]\npoll_interval_seconds = 0\n",
        "a number of seconds above 0 and up to 10000000, found the integer 0",
    ),
    "a time that no clock takes": (
        GOOD + "[limits]\nrequest_timeout_seconds = 1e300\n",
        "from 0.05 to 10000000, found the float 1e+300",
    ),
    "a whole number that is no float": (
        GOOD + f"[limits]\noperation_timeout_seconds = {'9' * 400}\n",
        "above 0 and up to 10000000, found a long integer",
    ),
    "a rate that is no float": (GOOD + f"[limits]\nrequests_per_second = {'9' * 400}\n", "found a long integer"),
    "more connections than of use": (
        GOOD + "[limits]\nconnections = 100000\n",
        "an integer from 1 to 256, found the integer 100000",
    ),
    "no time for a reply": (
        GOOD + "[limits]\nrequest_timeout_seconds = 0.0001\n",
        "a number of seconds from 0.05 to 10000000",
    ),
    "a rate below one request in an operation": (
        GOOD + "[limits]\noperation_timeout_seconds = 60\nrequests_per_second = 0.001\n",
        '"requests_per_second" in [limits] (0.001) allows no second request within "operation_timeout_seconds" (60)',
    ),
    "a date with a time": (
        GOOD.replace("[target]\n", "[target]\nx_ms_version = 2011-10-01T00:00:00Z\n"),
        'found a date without quotes; write "2011-10-01"',
    ),
    "a home that nobody has": (
        GOOD.replace("[target]\n", '[target]\nclient_certificate = "~nobody-has-this/c.pem"\n'),
        "client_certificate: there is no file",
    ),
    "a variable in a path": (
        GOOD.replace("[target]\n", '[target]\nca_bundle = "$CERTS/ca.pem"\n'),
        "ca.pem; variables in paths are not replaced",
    ),
    "endless time": (GOOD + "[limits]\noperation_timeout_seconds = inf\n", "found the float inf"),
    "number for flag": (GOOD + "[limits]\nallow_reimage = 1\n", "true or false, found the integer 1"),
    "text for flag": (GOOD + '[limits]\nallow_reimage = "yes"\n', "true or false, found the string 'yes'"),
    "bad ability": (GOOD + '[capabilities]\nget_deployment = "Auto"\n', 'did you mean "auto"?'),
    "bad slot": (GOOD.replace('"production"', '"Production"'), 'did you mean "production"?'),
    "bad slot in the second": (
        GOOD + GOOD[GOOD.index("[[dep") :].replace("production", "stage"),
        '"slot" in [[deployments]] number 2 is expected to be "production" or "staging", found the string \'stage\'',
    ),
    "same slot twice": (GOOD + GOOD[GOOD.index("[[dep") :], "have the slot 'production'; expected one"),
    "same name twice": (
        GOOD + GOOD[GOOD.index("[[dep") :].replace("production", "staging"),
        "have the name 'contoso-v1'; expected one",
    ),
    "no instances": (GOOD.replace('["WebRole1_IN_0", "WorkerRole1_IN_0"]', "[]"), "at least one, found the array []"),
    "instance twice": (GOOD.replace("WorkerRole1_IN_0", "WebRole1_IN_0"), "an array of different names"),
    "instances as text": (GOOD.replace('["WebRole1_IN_0", "WorkerRole1_IN_0"]', '"W"'), "found the string 'W'"),
    "bad strictness": (
        GOOD.replace("[[dep", 'strictness = "Strikt"\n[[dep'),
        '"strict" or "lenient", found the string \'Strikt\'; did you mean "strict"?',
    ),
    "bad version": (GOOD.replace("[[dep", 'x_ms_version = "20111001"\n[[dep'), 'a version like "2011-10-01"'),
    "date as version": (
        GOOD.replace("[[dep", "x_ms_version = 2011-10-01\n[[dep"),
        'found a date without quotes; write "2011-10-01"',
    ),
    "subscription with a slash": (GOOD.replace("6a8b7c2e-", "6a/"), "a subscription id (letters, digits"),
    "foreign probe": (GOOD + '[probe]\nurl = "http://h/{role}"\n', "its placeholders may be {cloud_service}"),
    "broken probe": (GOOD + '[probe]\nurl = "http://h/{"\n', '"url" in [probe] is expected to be'),
    "empty probe": (GOOD + "[probe]\nurl = 3\n", "found the integer 3"),
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named(file: Path, text: str, told: str) -> None:
    assert told in complaint(file, text)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8443",
        "ftp://h",
        "https://",
        "https://h:99999",
        "https://h:0",
        "https://h/path",
        "https://h/?q",
        "https://h?",
        "https://h#f",
        "https://ö",
        "https://h h",
        "http://[::1",
    ],
)
def test_what_is_no_base_url(file: Path, url: str) -> None:
    told = complaint(file, GOOD.replace("https://127.0.0.1:8443", url))
    assert told.startswith('"base_url" in [target] is expected to be a URL like "https://127.0.0.1:8443"')


def test_a_password_in_a_url_is_not_repeated(file: Path) -> None:
    assert "hunter2" not in complaint(file, GOOD.replace("127.0.0.1:8443", "me:hunter2@h"))


def test_the_last_slash_of_the_base_url_goes(file: Path) -> None:
    assert load(file, GOOD.replace(":8443", ":8443/")).base_url == "https://127.0.0.1:8443"


def with_files(**files: str) -> str:
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in files.items())
    return GOOD.replace("[[deployments]]", lines + "[[deployments]]")


def test_a_missing_certificate_is_named(file: Path) -> None:
    told = complaint(file, with_files(client_certificate="no.pem"))
    assert told == f"client_certificate: there is no file {file.parent / 'no.pem'}"


@pytest.mark.parametrize("secret", ["key_passphrase", "second_key_passphrase", "proxy_credentials"])
def test_a_secret_is_named_once(file: Path, secret: str) -> None:
    (file.parent / "secret.txt").write_text("secret\n")
    names = {f"{secret}_file": "secret.txt", f"{secret}_env": "SECRET"}

    assert complaint(file, with_files(**names)) == (
        f'"{secret}_file" and "{secret}_env" in [target] name one secret twice; keep one'
    )


def test_a_folder_is_no_certificate(file: Path) -> None:
    assert "cannot be read: Is a directory" in complaint(file, with_files(ca_bundle="."))


@pytest.mark.parametrize(
    ("key", "content", "told"),
    [
        ("client_certificate", "hello", "holds no certificate; expected PEM, DER, PKCS#12"),
        ("ca_bundle", KEY, "holds no certificate; expected PEM, DER, PKCS#12"),
        ("client_certificate", PEM, 'holds a certificate but no private key; name its key file in "client_key"'),
        ("second_client_certificate", PEM, "holds a certificate but no private key; append its key"),
        ("client_key", KEY, '"client_key" in [target] has no "client_certificate" beside it'),
    ],
)
def test_a_file_with_the_wrong_content_is_named(file: Path, key: str, content: str, told: str) -> None:
    (file.parent / "x.pem").write_text(content)
    assert told in complaint(file, with_files(**{key: "x.pem"}))


def test_a_key_file_without_a_key_is_named(file: Path) -> None:
    (file.parent / "x.pem").write_text(PEM)
    assert "holds no private key; expected PEM, DER, PKCS#12" in complaint(
        file, with_files(client_certificate="x.pem", client_key="x.pem")
    )


DER = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
CONTENTS = {
    "PEM": f"-----BEGIN PRIVATE KEY-----\n{DER}\n{DER}\n-----END PRIVATE KEY-----\n" * 9,
    "one line of PEM": f"-----BEGIN PRIVATE KEY----- {DER} -----END PRIVATE KEY-----",
    "base64": DER * 20,
    "short base64": DER,
    "lines": f"{DER}\n{DER}\n{DER}",
    "settings": f"<PublishData Management='{DER}'/>",
}
NAMING = ("client_certificate", "client_key", "ca_bundle", "second_client_certificate")
SECRETS = ("key_passphrase_file", "second_key_passphrase_file", "proxy_credentials_file")


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("key", [*NAMING, *SECRETS])
def test_the_content_of_a_file_in_place_of_its_path_is_never_shown(file: Path, key: str, content: str) -> None:
    what = "a certificate or key" if key in NAMING else "a secret"
    expected = f"holds {what} itself; expected the path of a file (GitLab: a variable of type File)"
    variable = f"REIMAGE_CONFORMANCE_{key.upper()}"

    assert complaint(file, GOOD, **{variable: content}) == f"{variable}: {expected}"
    assert complaint(file, with_files(**{key: content})) == f"{key}: {expected}"


@pytest.mark.parametrize("key", [*NAMING, *SECRETS])
def test_a_value_that_is_too_long_for_a_name_is_never_shown(file: Path, key: str) -> None:
    told = complaint(file, GOOD, **{f"REIMAGE_CONFORMANCE_{key.upper()}": "s.e.c.r.e.t" * 400})
    assert "longer than the name of a file can be" in told
    assert "s.e.c" not in told


def test_a_secret_in_place_of_a_variable_s_name_is_never_shown(file: Path) -> None:
    for key in ("key_passphrase_env", "second_key_passphrase_env", "proxy_credentials_env"):
        told = complaint(file, with_files(**{key: "hunter 2!"}))
        assert "the name of an environment variable" in told
        assert "hunter" not in told


def test_a_key_without_quotes_is_never_shown(file: Path) -> None:
    for value in (
        DER,
        DER + "==",
        f"-----BEGIN PRIVATE KEY----- {DER}",
        f'"-----BEGIN PRIVATE KEY-----\n{DER}"',
    ):
        told = complaint(file, GOOD.replace("[[deployments]]", f"client_key = {value}\n[[deployments]]"))
        assert DER not in told
        assert "client_key: it holds the content of a file" in told


def test_a_long_path_is_shortened(file: Path) -> None:
    told = complaint(file, with_files(ca_bundle="folder/" * 100 + "ca.pem"))
    assert "[...]" in told
    assert len(told) < 300


def test_the_environment_replaces_certificate_and_key(file: Path, tmp_path: Path) -> None:
    (tmp_path / "env.pem").write_text(PEM + KEY)
    text = with_files(client_certificate="no.pem", client_key="no.key")
    target = load(file, text, REIMAGE_CONFORMANCE_CLIENT_CERTIFICATE=str(tmp_path / "env.pem"))
    assert (target.client_certificate, target.client_key) == (tmp_path / "env.pem", None)


def test_a_bad_path_from_the_environment_is_named_by_its_variable(file: Path) -> None:
    told = complaint(file, GOOD, REIMAGE_CONFORMANCE_CA_BUNDLE="/no/ca.pem")
    assert told.startswith("REIMAGE_CONFORMANCE_CA_BUNDLE: there is no file /no/ca.pem")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1", True),
        ("https://127.8.9.1:1", True),
        ("https://[::1]:8443", True),
        ("https://localhost:8443", True),
        ("https://a.localhost.", True),
        ("https://10.0.0.1", False),
        ("https://127.0.0.1.example.com", False),
        ("https://localhost.example.com", False),
        ("https://management.core.windows.net", False),
        ("https://0.0.0.0", False),
    ],
)
def test_which_endpoints_are_on_loopback(file: Path, url: str, *, expected: bool) -> None:
    assert is_loopback(replace(load(file, GOOD), base_url=url)) is expected


def test_a_target_goes_through_the_journal_without_its_certificates(file: Path) -> None:
    (file.parent / "c.pem").write_text(PEM + KEY)
    target = load(file, with_files(client_certificate="c.pem") + '[probe]\nurl = "http://h/{role_instance}"\n')
    line = json.dumps(target_to_mapping(target))
    assert "c.pem" not in line
    assert target_from_mapping(json.loads(line)) == replace(target, client_certificate=None)


@pytest.mark.parametrize("damage", ["name", "deployments", "limits", "strictness"])
def test_a_damaged_description_in_a_journal_is_told(file: Path, damage: str) -> None:
    plain = target_to_mapping(load(file, GOOD))
    del plain[damage]
    with pytest.raises(JournalError, match=f"cannot be read: .*{damage}"):
        target_from_mapping(plain)
