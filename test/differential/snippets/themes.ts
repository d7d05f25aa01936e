/** All themes of snippets. */
import { control } from "./control.ts";
import { corners } from "./corners.ts";
import { integers } from "./integers.ts";
import type { Theme } from "./snippet.ts";
import { state } from "./state.ts";

export const themes: readonly Theme[] = [...integers, ...control, ...state, ...corners];
