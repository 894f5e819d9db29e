// The word that was marked in the text is the one whose reading is to be put right.
export function watchWord() {
  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.("#compose [data-word]") || !event.target.open) return;
    const words = document.querySelector("#compose [name=text]");
    const marked = words.value.slice(words.selectionStart, words.selectionEnd).trim();
    const written = event.target.querySelector("[name=written]");
    if (marked && marked.length <= written.maxLength) written.value = marked;
  }, { capture: true });
}
