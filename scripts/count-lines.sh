#!/usr/bin/env bash
# Counts the lines of src/ that do the work of an early commit, 26b1159, which had 9,907. Left out are files of new
# features, among them those that keep the event loop free and name a processor's class, whole; and of all others the
# lines that a commit of type "feat" or "perf" since then wrote (git blame, moves followed), since being faster or smaller
# than that commit is new, too. It counts twice, in a minute. First by who wrote a line last, so that a feature's comment
# that somebody reworded counts as old work. Then with commits of other types passed over: a line that they changed stays
# what it was, old or new, and a line that they added goes with its neighbours. Beside each count stands how many of its
# lines are code: no comment, blank line or import.
set -euo pipefail
cd "$(dirname "$0")/.."
base=${1:-26b1159}

features='^src/(bulk|search|queue|client|server/protocols|build/fp16)/'
features+='|^src/architecture/(clip-text|siglip-text|siglip-vision|efficientnet-lite|gated-pair|gated-pair-text)/'
features+='|^src/cli/(bulk-call|bulk-progress|count-items|dry-run|duplicates|encode-queued|encode|index|queue|search)\.ts'
features+='|^src/cli/(work|worker-endpoint)\.ts|^src/config/(bulk|queue|fetch-headers)\.ts'
features+='|^src/encoder/(rank|many|image-size)\.ts|^src/engine/device(-thread)?\.ts|^src/graph/float16\.ts|^src/host/(optional-package|processor)\.ts'
features+='|^src/image/(heic|heic-thread|heif-boxes|libheif-js\.d|camera-raw|avif|chroma|webp|thumbnail|bmp-runs)\.ts'
features+='|^src/server/(embeddings|image-bodies|images|long-strings|model-names|page-files|protocol|turns)\.ts'
features+='|^src/server/routes/(docs|page|pictures|rank|search)\.ts'

types=$(mktemp)
others=$(mktemp)
trap 'rm -f "$types" "$others"' EXIT
git log --format='%H %s' "$base..HEAD" | sed -E 's/^([0-9a-f]+) ([a-z]+).*/\1 \2/' > "$types"
awk '$2 != "feat" { print $1 }' "$types" > "$others"

nocode='^ *($|//|/\*|\*( |/|$))|^(import |} from )'
git ls-tree -r --name-only "$base" src | grep '\.ts$' | while read -r file; do git show "$base:$file"; done |
  awk -v nocode="$nocode" '{ if ($0 !~ nocode) code++ } END { print "At the commit:"; print NR, "lines,", code, "of code" }'

count() {
  git ls-files 'src/*.ts' | grep -vE "$features" | while read -r file; do
    git blame -w -M -C -s -l --root "$@" HEAD -- "$file" | sed -E 's/^\^?([0-9a-f]{39,40})[^)]*\) ?/\1 /'
  done | awk -v nocode="$nocode" 'NR == FNR { type[$1] = $2; next }
    { of = ($1 in type) ? type[$1] : "before"; lines[of]++ }
    of != "feat" && of != "perf" { same++; if (substr($0, 42) !~ nocode) code++ }
    END { for (of in lines) print lines[of], of; print same, "in all but feat and perf,", code, "of code" }' "$types" -
}

echo "By who wrote a line last:"
count
echo "By what a line was before others reworded it:"
count --ignore-revs-file "$others"
