import { settleTrees } from "../areas.js";
import { watchDrafts } from "../drafts.js";
import { watchRecorder } from "../recorder.js";
import { watchWord } from "../word.js";

document.addEventListener("loa:restored", () => settleTrees());
watchRecorder();
watchDrafts();
watchWord();
