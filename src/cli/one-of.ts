import { InvalidArgumentError } from "commander";

/** Reads an argument that is one of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words): (text: string) => Words[number] {
  return (text) => {
    if (!words.includes(text)) throw new InvalidArgumentError(`It must be ${words.slice(0, -1).join(", ")} or ${words.at(-1)}.`);
    return text;
  };
}
