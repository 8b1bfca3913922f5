/** Queries to click: eight languages in six scripts. A test asks each and expects the drawing. */
export const exampleQueries = [
  { text: "red apple", language: "en", finds: "red apple" },
  { text: "Regenschirm", language: "de", finds: "umbrella" },
  { text: "pingüino", language: "es", finds: "penguin" },
  { text: "радуга", language: "ru", finds: "rainbow" },
  { text: "قلعة", language: "ar", finds: "castle" },
  { text: "हाथी", language: "hi", finds: "elephant" },
  { text: "ロケット", language: "ja", finds: "rocket" },
  { text: "돌고래", language: "ko", finds: "dolphin" },
];
