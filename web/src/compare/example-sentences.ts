/** What Compare begins with: four pictures of the gallery, and words for them in four languages. */
export const exampleSentences = ["a red apple", "Hund", "bicicleta", "волна"];
export const exampleNames = ["red apple.webp", "dog.webp", "bicycle.webp", "water wave.webp"];
