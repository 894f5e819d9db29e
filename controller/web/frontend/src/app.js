import "htmx.org";
import { watchAreas } from "./areas.js";
import { watchCompose } from "./compose.js";
import { watchLink } from "./live.js";

document.documentElement.classList.add("js");
watchLink();
watchAreas();
watchCompose();
