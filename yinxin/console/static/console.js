/* Small scripts of the console: every form works without them. */
