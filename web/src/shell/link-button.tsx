import { useState } from "preact/hooks";
import { Icon } from "./icon.tsx";

/** Copies the address, which holds the state of the page. */
export function LinkButton() {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await copyText(location.href);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button type="button" class="quiet" onClick={copy}>
      <Icon name={isCopied ? "check" : "link"} /> <span aria-live="polite">{isCopied ? "Copied" : "Link"}</span>
    </button>
  );
}

/** Pages that do not come over HTTPS or from this machine have no clipboard; selecting a field works everywhere. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
