import { usePage } from "../session/session.ts";
import { useShownCollection } from "./use-shown-collection.ts";

/** Eight languages in six scripts. A test asks each of the drawings. */
export const examples: { text: string; language: string; finds: string }[] = [
  { text: "red apple", language: "en", finds: "red apple" },
  { text: "Leuchtturm", language: "de", finds: "lighthouse" },
  { text: "mariposa", language: "es", finds: "butterfly" },
  { text: "собака", language: "ru", finds: "dog" },
  { text: "قلعة", language: "ar", finds: "castle" },
  { text: "हाथी", language: "hi", finds: "elephant" },
  { text: "自転車", language: "ja", finds: "bicycle" },
  { text: "돌고래", language: "ko", finds: "dolphin" },
];

/** Queries to click, for those who do not know yet what to ask. */
export function Examples() {
  const [, change] = usePage();
  const collection = useShownCollection();
  return (
    <ul class="examples" aria-label="Examples">
      {examples.map(({ text, language }) => (
        <li key={text}>
          <button
            type="button"
            class="example"
            lang={language}
            dir="auto"
            onClick={() => change({ collection, query: { text, terms: [] } })}
          >
            {text}
          </button>
        </li>
      ))}
    </ul>
  );
}
