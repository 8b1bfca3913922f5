/** Starts the services that test_clients.py asks, runs it with the Python named by the first argument, and stops them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { key, startService } from "../service.mjs";

const services = [await startService(), await startService({ RATE_LIMIT: "60" }), await startService({ API_KEYS: "" })];
const [service, limited, open] = services;
const python = spawn(process.argv[2], ["-m", "unittest", "-v", "test_clients"], {
  cwd: import.meta.dirname,
  env: {
    ...process.env,
    SERVICE_URL: service.url,
    LIMITED_URL: limited.url,
    OPEN_URL: open.url,
    API_KEY: key,
    PICTURE: join(resolve(import.meta.dirname, "../../.."), "test/fixtures/golden/images/photo.jpg"),
  },
  stdio: "inherit",
});
const [code] = await once(python, "exit");
await Promise.all(services.map(({ stop }) => stop()));
process.exitCode = code ?? 1;
