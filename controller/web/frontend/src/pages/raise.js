import { watchRecorder } from "../recorder.js";

watchRecorder();
