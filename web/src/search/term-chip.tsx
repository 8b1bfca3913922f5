import { fileName } from "../collections/picture.ts";
import { PictureImage } from "../grid/picture-image.tsx";
import { nameOf, type Term } from "../query/query.ts";
import { Icon } from "../shell/icon.tsx";

interface TermChipProps {
  term: Term;
  onChange: (term: Term) => void;
  onRemove: () => void;
}

const weights = [0.25, 0.5, 1, 1.5, 2, 3];

/** Shows one summand of the query: its sign, what it is, how much it weighs. */
export function TermChip({ term, onChange, onRemove }: TermChipProps) {
  const isMinus = term.weight < 0;
  const name = fileName(nameOf(term));
  const size = Math.abs(term.weight);
  const choices = weights.includes(size) ? weights : [...weights, size].sort((a, b) => a - b);
  return (
    <span class={isMinus ? "chip minus" : "chip"}>
      <button
        type="button"
        class="sign"
        aria-label={isMinus ? `${name} is subtracted. Add it` : `${name} is added. Subtract it`}
        title={isMinus ? "Add instead" : "Subtract instead"}
        onClick={() => onChange({ ...term, weight: -term.weight })}
      >
        <Icon name={isMinus ? "minus" : "plus"} />
      </button>
      {"picture" in term && (
        <span class="chip-picture">
          <PictureImage picture={term.picture} />
        </span>
      )}
      <bdi class="chip-name" title={nameOf(term)}>
        {name}
      </bdi>
      <select
        aria-label={`Weight of ${name}`}
        value={String(size)}
        onChange={({ currentTarget }) =>
          onChange({ ...term, weight: (isMinus ? -1 : 1) * Number(currentTarget.value) })
        }
      >
        {choices.map((weight) => (
          <option key={weight} value={String(weight)}>
            × {weight}
          </option>
        ))}
      </select>
      <button type="button" class="remove" aria-label={`Remove ${name}`} title="Remove" onClick={onRemove}>
        <Icon name="close" />
      </button>
    </span>
  );
}
