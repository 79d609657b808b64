import fc from "fast-check";

// Left alone, fast-check makes no list longer than ten, whatever its maxLength.
fc.configureGlobal({ ...fc.readConfigureGlobal(), defaultSizeToMaxWhenMaxSpecified: true });

export { fc };
