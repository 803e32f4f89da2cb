import { render } from "preact";
import { beginTheme } from "./session/theme.js";
import { App } from "./view/app.js";

beginTheme();
render(<App />, document.getElementById("console")!);
