"""azure-servicemanagement-legacy reimages a role instance, waits for the end, and says what it saw; one JSON document each way."""

import json
import sys

import requests
from azure.servicemanagement import ServiceManagementService

given = json.load(sys.stdin)
session = requests.Session()
session.cert, session.verify, session.trust_env = given["pem"], given["ca"], False
service = ServiceManagementService(given["subscription"], host=given["host"], request_session=session)
looked = service.get_hosted_service_properties(given["service"], embed_detail=True)
accepted = service.reimage_role_instance(given["service"], given["deployment"], given["instance"])
ended = service.wait_for_operation_status(accepted.request_id, timeout=20, sleep_interval=0.1, progress_callback=None)
failing = service.reimage_role_instance(given["service"], given["deployment"], given["failing"])
failed = service.wait_for_operation_status(
    failing.request_id, timeout=20, sleep_interval=0.1, progress_callback=None, failure_callback=None
)
seen = [each.instance_name for deployment in looked.deployments for each in deployment.role_instance_list]
json.dump({"seen": seen, "ended": ended.status, "failed": failed.status, "code": failed.error.code}, sys.stdout)
