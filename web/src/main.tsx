import { render } from "preact";
import { App } from "./app.tsx";
import { openSession, SessionProvider } from "./session/session.ts";

const session = openSession();

render(
  <SessionProvider value={session}>
    <App />
  </SessionProvider>,
  document.getElementById("page")!,
);

await session.start();
