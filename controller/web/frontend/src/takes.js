// The recording of what is to be announced lies in the browser's own database, as long as its words stay (keep.js).
import { person } from "./keep.js";
import { bring } from "./recorder.js";

const TAKE_MAX_BYTES = 100_000_000;

function shelf(mode, ask) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("loa", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("drafts");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const work = opening.result.transaction("drafts", mode);
      const asked = ask(work.objectStore("drafts"));
      work.oncomplete = () => {
        opening.result.close();
        resolve(asked.result);
      };
      work.onerror = work.onabort = () => reject(work.error);
    };
  });
}

export function watchTakes() {
  const key = `${person()} take`;
  // A browser that keeps nothing (a private window) only lacks this comfort.
  const quietly = (what) => what().catch(() => {});
  const keep = (file) => shelf("readwrite", (takes) => (file.size > TAKE_MAX_BYTES ? takes.delete(key) : takes.put(file, key)));
  document.addEventListener("change", ({ target }) => target.matches?.("#compose [name=file]") && target.files.length && quietly(() => keep(target.files[0])));
  document.addEventListener("loa:forgotten", () => quietly(() => shelf("readwrite", (takes) => takes.delete(key))));
  document.addEventListener("loa:restored", () => quietly(async () => bring(await shelf("readonly", (takes) => takes.get(key)))));
}
