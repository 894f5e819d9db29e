import { watchRecorder } from "../recorder.js";
import { watchTakes } from "../takes.js";
import { watchWord } from "../word.js";

watchRecorder();
watchTakes();
watchWord();
