"""libcloud's classic driver reimages a role instance, waits for the end, and says what it saw; one JSON document each way.

The driver has no method for a reimage, so its own ways of sending and of polling are used. It puts the status of the
HTTP response in place of Status, so that its own wait ends with the first poll; HttpStatusCode and Error tell the end.
"""

import json
import sys
import time

import libcloud.security
from libcloud.compute.drivers.azure import AzureNodeDriver

given = json.load(sys.stdin)
libcloud.security.CA_CERTS_PATH = given["ca"]
host, _, port = given["host"].partition(":")
driver = AzureNodeDriver(given["subscription"], given["pem"], host=host, port=int(port))
seen = [node.id for node in driver.list_nodes(given["service"])]


def reimage(instance):
    path = driver._get_deployment_path_using_slot(given["service"], "Production")
    response = driver._perform_post(f"{path}/roleinstances/{instance}?comp=reimage", "")
    driver.raise_for_response(response, 202)
    return response


def wait(response):
    identifier = driver._parse_response_for_async_op(response).request_id
    for _ in range(200):
        operation = driver._get_operation_status(identifier)
        if operation.http_status_code:
            return operation
        time.sleep(0.1)
    raise SystemExit("the operation found no end")


def status(operation):
    return "Succeeded" if str(operation.http_status_code) == "200" else "Failed"


response = reimage(given["instance"])
ended = wait(response)
driver._ex_complete_async_azure_operation(response, "reimage")
failed = wait(reimage(given["failing"]))
json.dump({"seen": seen, "ended": status(ended), "failed": status(failed), "code": failed.error.code}, sys.stdout)
