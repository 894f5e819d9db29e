/** A text as somebody types it who is in a hurry: without marks and capitals, as the server's `plain`. */
export const plain = (text) =>
  text.toLowerCase().replaceAll("đ", "d").normalize("NFD").replace(/\p{M}/gu, "");
