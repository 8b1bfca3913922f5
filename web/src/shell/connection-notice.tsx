import { useState } from "preact/hooks";
import { apiKey } from "../session/api-key.ts";
import { useService, useSession } from "../session/session.ts";

/** Says what keeps the page from working, and asks for the key. */
export function ConnectionNotice() {
  const service = useService();
  if (service.status === "needs-key") return <KeyForm wasRefused={service.wasRefused} />;
  if (service.status !== "gone") return null;
  return (
    <p class="notice problem" role="alert">
      <strong>The service does not answer.</strong> This page keeps trying, and goes on when it is back.
    </p>
  );
}

function KeyForm({ wasRefused }: { wasRefused: boolean }) {
  const { service } = useSession();
  const [key, setKey] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    if (key.trim() === "") return;
    apiKey.write(key.trim());
    void service.connect();
  };
  return (
    <form class="notice key-form" onSubmit={submit}>
      <label for="api-key">
        {wasRefused ? "The service did not accept this API key. Try another one." : "This service asks for an API key."}
      </label>
      <span class="key-row">
        <input
          id="api-key"
          type="password"
          autocomplete="off"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <button type="submit" class="button primary">
          Use it
        </button>
      </span>
      <small>It is kept until this tab is closed, and sent to this service only.</small>
    </form>
  );
}
