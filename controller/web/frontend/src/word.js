// The word that was marked in the text is the one whose reading is to be put right. Enter keeps it, and sends nothing.
export function watchWord() {
  const opened = (event) => {
    if (!event.target.matches?.("#compose [data-word]") || !event.target.open) return;
    const words = document.querySelector("#compose [name=text]");
    const marked = words.value.slice(words.selectionStart, words.selectionEnd).trim();
    const written = event.target.querySelector("[name=written]");
    if (marked && marked.length <= written.maxLength) written.value = marked;
  };
  document.addEventListener("toggle", opened, { capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("#word input")) return;
    event.preventDefault();
    document.querySelector("#word button").click();
  });
}
