// azure-asm-compute reimages a role instance, waits for the end, and says what it saw; one JSON document each way.
// The client never ends a request without a body, so a filter says that there is none.
const fs = require("fs");
const compute = require("azure-asm-compute");

const given = JSON.parse(fs.readFileSync(0, "utf8"));
const credentials = compute.createCertificateCloudCredentials({
  subscriptionId: given.subscription,
  pem: fs.readFileSync(given.pem, "utf8"),
});
const bodiless = (resource, next, callback) => {
  resource.body = resource.body === undefined ? null : resource.body;
  return next(resource, callback);
};
const client = compute.createComputeManagementClient(credentials, `https://${given.host}`).withFilter(bodiless);
client.longRunningOperationInitialTimeout = 0;
client.longRunningOperationRetryTimeout = 0;

const call = (name, ...words) =>
  new Promise((resolve, reject) => {
    client.deployments[name](...words, (error, result) => (error ? reject(error) : resolve(result)));
  });

(async () => {
  const look = await call("getBySlot", given.service, "Production");
  const ended = await call("reimageRoleInstanceByDeploymentSlot", given.service, "Production", given.instance);
  let failed = "Succeeded";
  let code = "";
  try {
    await call("reimageRoleInstanceByDeploymentName", given.service, given.deployment, given.failing);
  } catch (error) {
    failed = "Failed";
    code = error.error ? error.error.code : String(error);
  }
  const seen = look.roleInstances.map((each) => each.instanceName);
  process.stdout.write(JSON.stringify({ seen, ended: ended.status, failed, code }));
})().catch((error) => {
  process.stderr.write(`${error && error.stack}\n`);
  process.exitCode = 1;
});
