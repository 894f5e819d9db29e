// The "?" beside a heading closes with Escape, as sheets and dialogs do by themselves, and gives the focus back.

export function watchHelp() {
  document.addEventListener("keydown", ({ key }) => {
    const help = key === "Escape" && !document.querySelector(":modal, :popover-open") && document.querySelector("details.help[open]");
    if (!help) return;
    const inside = help.contains(document.activeElement);
    help.open = false;
    if (inside) help.querySelector("summary").focus();
  });
}
