// A button that prints the page it stands on, wherever it came from.
export function watchPrint() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });
}
