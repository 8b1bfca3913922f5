import { fileName, type Picture } from "../collections/picture.ts";
import { PictureImage } from "../grid/picture-image.tsx";
import { Icon } from "../shell/icon.tsx";
import { writeCosine } from "../vectors/cosine.ts";
import { type Logit, probabilities } from "../vectors/softmax.ts";
import { columnOf, heatScale, type Matrix } from "./matrix.ts";

interface MatrixTableProps {
  sentences: string[];
  pictures: Picture[];
  matrix: Matrix;
  /** Set to show probabilities instead of cosines. */
  logit: Logit | undefined;
  onSentence: (index: number, sentence: string) => void;
  onRemoveSentence: (index: number) => void;
  onRemovePicture: (picture: Picture) => void;
}

export function MatrixTable(props: MatrixTableProps) {
  const { sentences, pictures, matrix, logit, onSentence, onRemoveSentence, onRemovePicture } = props;
  const heat = heatScale(matrix);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="matrix" tabIndex={0} aria-label="Similarities">
      <table>
        {pictures.length > 0 && (
          <thead>
            <tr>
              <td />
              {pictures.map((picture) => (
                <th key={picture.id} scope="col">
                  <div class="compared-picture">
                    <PictureImage picture={picture} />
                    <button
                      type="button"
                      class="remove"
                      aria-label={`Remove ${fileName(picture.name)}`}
                      title="Remove"
                      onClick={() => onRemovePicture(picture)}
                    >
                      <Icon name="close" />
                    </button>
                  </div>
                  <bdi title={picture.problem ?? picture.name} class={picture.problem ? "problem-text" : undefined}>
                    {picture.problem ? "cannot be encoded" : fileName(picture.name).replace(/\.webp$/, "")}
                  </bdi>
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {sentences.map((sentence, row) => (
            // A sentence is its place; its words change with every key
            <tr key={row}>
              <th scope="row">
                <span class="sentence">
                  <input
                    type="text"
                    dir="auto"
                    aria-label={`Sentence ${row + 1}`}
                    placeholder="A sentence"
                    value={sentence}
                    onInput={({ currentTarget }) => onSentence(row, currentTarget.value)}
                  />
                  <button
                    type="button"
                    class="round"
                    aria-label={`Remove sentence ${row + 1}`}
                    title="Remove"
                    onClick={() => onRemoveSentence(row)}
                  >
                    <Icon name="close" />
                  </button>
                </span>
              </th>
              {pictures.map((picture, column) => (
                <Cell
                  key={picture.id}
                  cosine={matrix[row]?.[column]}
                  column={columnOf(matrix, column)}
                  heat={heat}
                  logit={logit}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface CellProps {
  cosine: number | undefined;
  column: number[];
  heat: (value: number) => number;
  logit: Logit | undefined;
}

function Cell({ cosine, column, heat, logit }: CellProps) {
  if (cosine === undefined) return <td class="cell pending">–</td>;
  const isBest = column.length > 1 && cosine === Math.max(...column);
  const mark = isBest ? <span class="hidden"> (best for this picture)</span> : null;
  if (!logit) {
    return (
      <td class={isBest ? "cell best" : "cell"} style={{ "--heat": heat(cosine) }}>
        {writeCosine(cosine)}
        {mark}
      </td>
    );
  }
  const probability = probabilities(column, logit)[column.indexOf(cosine)] ?? 0;
  return (
    <td class={isBest ? "cell best" : "cell"} style={{ "--heat": 0 }} title={`cosine ${writeCosine(cosine, 4)}`}>
      <span class="probability">{(probability * 100).toFixed(1)} %</span>
      <span class="probability-bar" aria-hidden="true">
        <span style={{ width: `${probability * 100}%` }} />
      </span>
      {mark}
    </td>
  );
}
