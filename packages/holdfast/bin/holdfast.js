#!/usr/bin/env node
/** The executable. It is no file of the build, because npm links it when it installs, and a clone is built after that. */
import '../dist/bin.js';
