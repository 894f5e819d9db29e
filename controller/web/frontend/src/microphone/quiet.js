// Before the press: who of those that are ticked keeps quiet hours now, and until when.

const clock = (iso) => new Date(iso).toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit" });

// Shows it in `part`; returns what the centre said, or null where it did not answer.
export async function showQuiet(part, text, chosen) {
  const query = new URLSearchParams(chosen.map(({ kind, key }) => ["target", `${kind}:${key}`]));
  let said;
  try {
    const answer = await fetch(`/api/v1/live-sessions/reach?${query}`);
    if (!answer.ok) return null;
    said = await answer.json();
  } catch {
    return null;
  }
  part("quiet").hidden = said.quiet.length === 0;
  part("quiet-places").replaceChildren(
    ...said.quiet.map(({ name, until, speakers }) => {
      const words = text("quietPlace").replace("{place}", name).replace("{time}", clock(until)).replace("{n}", speakers);
      return Object.assign(document.createElement("li"), { textContent: words });
    }),
  );
  part("quiet-rest").textContent =
    said.reachable > 0 ? text("quietRest").replace("{n}", said.reachable).replace("{m}", said.speakers) : text("quietAll");
  return said;
}
