import { useState } from "preact/hooks";
import type { Call, Language } from "../snippets/call.ts";
import { asCurl } from "../snippets/curl.ts";
import { asJavaScript } from "../snippets/javascript.ts";
import { asPython } from "../snippets/python.ts";
import { Icon } from "./icon.tsx";
import { copyText } from "./link-button.tsx";
import { Modal } from "./modal.tsx";

const languages: { language: Language; label: string; write: (calls: Call[]) => string }[] = [
  { language: "curl", label: "curl", write: asCurl },
  { language: "javascript", label: "JavaScript", write: asJavaScript },
  { language: "python", label: "Python", write: asPython },
];

interface CodeDialogProps {
  calls: Call[];
  /** Says what the code leaves out, as a sentence. */
  note?: string | undefined;
  onClose: () => void;
}

/** Shows what the page just asked, as code. */
export function CodeDialog({ calls, note, onClose }: CodeDialogProps) {
  const [language, setLanguage] = useState<Language>("curl");
  const [isCopied, setCopied] = useState(false);
  const { write } = languages.find((it) => it.language === language)!;
  const code = write(calls);
  return (
    <Modal label="The same request as code" class="code-dialog" onClose={onClose}>
      <h2>The same request as code</h2>
      <fieldset class="choices">
        <legend class="hidden">Language</legend>
        {languages.map((it) => (
          <label key={it.language} class="choice">
            <input
              type="radio"
              name="language"
              checked={it.language === language}
              onChange={() => {
                setLanguage(it.language);
                setCopied(false);
              }}
            />
            <span>{it.label}</span>
          </label>
        ))}
      </fieldset>
      {note && <p class="hint">{note}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre tabIndex={0} dir="ltr">
        <code>{code}</code>
      </pre>
      <button
        type="button"
        class="button primary"
        onClick={async () => {
          await copyText(code);
          setCopied(true);
        }}
      >
        <Icon name={isCopied ? "check" : "code"} /> <span aria-live="polite">{isCopied ? "Copied" : "Copy"}</span>
      </button>
      {calls.some(({ needsKey }) => needsKey) && <p class="hint">Set API_KEY to your key before you run it.</p>}
    </Modal>
  );
}
