import { useLayoutEffect, useState } from "preact/hooks";
import { Times } from "../results/times.tsx";
import { pictureCall, textCalls } from "../search/calls.ts";
import { usePage, useService, useSession } from "../session/session.ts";
import { usePictureActions } from "../session/use-picture-actions.ts";
import { CodeDialog } from "../shell/code-dialog.tsx";
import { Icon } from "../shell/icon.tsx";
import { Takeaway } from "../shell/takeaway.tsx";
import { useFileChooser } from "../shell/use-file-chooser.tsx";
import { useValue } from "../state/observable.ts";
import type { Logit } from "../vectors/softmax.ts";
import { exampleNames, exampleSentences } from "./example-sentences.ts";
import { asCsv, asJson } from "./matrix-export.ts";
import { MatrixTable } from "./matrix-table.tsx";
import { useMatrix } from "./use-matrix.ts";

/** A matrix beyond this is taller than anyone reads. */
const mostSentences = 16;

/** Compares some pictures with some sentences: which fits which, and by how much. */
export function CompareView() {
  const [{ sentences, compared }, change] = usePage();
  const [showsProbabilities, setShowsProbabilities] = useState(false);
  const [isCodeOpen, setCodeOpen] = useState(false);
  const { compare } = usePictureActions();
  const { matrix, problem, stages } = useMatrix(sentences, compared);
  const logit = useLogit();
  const hasExamples = useExamples();

  const setSentence = (index: number, sentence: string) =>
    change({ sentences: sentences.map((it, at) => (at === index ? sentence : it)) });
  return (
    <div class="compare">
      <CompareHead
        sentences={sentences.length}
        onPictures={compare}
        onSentence={() => change({ sentences: [...sentences, ""] })}
      />
      {problem && (
        <p class="notice problem" role="alert">
          {problem}
        </p>
      )}
      {compared.length === 0 && hasExamples && (
        <div class="empty">
          <p class="empty-title">Drop the pictures to compare anywhere on this page.</p>
          <p>Or open a picture in Search and press Compare.</p>
        </div>
      )}
      {compared.length + sentences.length > 0 && (
        <MatrixTable
          sentences={sentences}
          pictures={compared}
          matrix={matrix}
          logit={showsProbabilities ? logit : undefined}
          onSentence={setSentence}
          onRemoveSentence={(index) => change({ sentences: sentences.filter((_, at) => at !== index) })}
          onRemovePicture={(picture) => change({ compared: compared.filter((it) => it !== picture) })}
        />
      )}
      <div class="compare-tools">
        {logit && (
          <label class="fold">
            <input
              type="checkbox"
              checked={showsProbabilities}
              onChange={({ currentTarget }) => setShowsProbabilities(currentTarget.checked)}
            />
            Probabilities, as the model gives them
            {logit.kind === "softmax" ? " (softmax over the sentences of each picture)" : " (sigmoid of each pair)"}
          </label>
        )}
        <p class="found">
          <Times stages={stages} />
        </p>
        <Takeaway
          file="comparison"
          csv={() => asCsv(sentences, compared, matrix)}
          json={() => asJson(sentences, compared, matrix)}
          onCode={() => setCodeOpen(true)}
        />
      </div>
      {isCodeOpen && (
        <CodeDialog
          calls={[...textCalls(sentences.filter((it) => it.trim() !== "")), ...compared.map(pictureCall)]}
          onClose={() => setCodeOpen(false)}
        />
      )}
    </div>
  );
}

interface CompareHeadProps {
  /** Counts the sentences that there are. */
  sentences: number;
  onPictures: Parameters<typeof useFileChooser>[0]["onFiles"];
  onSentence: () => void;
}

/** Says what the view is for, and adds pictures and sentences. */
function CompareHead({ sentences, onPictures, onSentence }: CompareHeadProps) {
  const chooser = useFileChooser({ label: "Pictures to compare", multiple: true, onFiles: onPictures });
  return (
    <div class="compare-head">
      <div>
        <h1>Compare pictures and sentences</h1>
        <p class="aside">
          Each number is a cosine: how near the picture and the sentence are for the model. Compare numbers within one
          picture; their absolute size says little.
        </p>
      </div>
      <div class="adders">
        <button type="button" class="button" onClick={chooser.open}>
          <Icon name="picture" /> Add pictures
        </button>
        <button type="button" class="button" disabled={sentences >= mostSentences} onClick={onSentence}>
          <Icon name="plus" /> Add a sentence
        </button>
        {chooser.input}
      </div>
    </div>
  );
}

/** How the model makes probabilities, where it does. */
function useLogit(): Logit | undefined {
  const service = useService();
  if (!("info" in service) || !service.info) return undefined;
  return service.info.logit ?? undefined;
}

/**
 * Gives an example to whoever comes without pictures or sentences, so that he sees at once what the view is for, and
 * tells whether the gallery that it is of has come: until then nobody knows which pictures a link means.
 */
function useExamples(): boolean {
  const { library, page } = useSession();
  const drawings = useValue(library.collections.drawings);
  useLayoutEffect(() => {
    const { compared, sentences } = page.state.get();
    if (drawings.pictures.length === 0) return;
    // Some things are drawn in two styles.
    const found = exampleNames.flatMap((name) => drawings.pictures.filter((it) => it.name === name).slice(0, 1));
    if (compared.length === 0 && sentences.length === 0) page.change({ compared: found, sentences: exampleSentences });
    else if (sentences.length === 0) page.change({ sentences: exampleSentences });
  }, [drawings, page]);
  return drawings.pictures.length > 0;
}
