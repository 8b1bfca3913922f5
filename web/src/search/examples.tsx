import { usePage } from "../session/session.ts";
import { exampleQueries } from "./example-queries.ts";
import { useShownCollection } from "./use-shown-collection.ts";

/** Shows queries to click, for those who do not know yet what to ask. */
export function Examples() {
  const [, change] = usePage();
  const collection = useShownCollection();
  return (
    <ul class="examples" aria-label="Examples">
      {exampleQueries.map(({ text, language }) => (
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
