import "htmx.org";
import { watchAreas } from "./areas.js";
import { watchCompose } from "./compose.js";
import { watchHold } from "./hold.js";
import { watchLink } from "./live.js";
import { playOneAtATime } from "./sounds.js";

document.documentElement.classList.add("js");
watchLink();
watchAreas();
watchCompose();
watchHold();
playOneAtATime();
