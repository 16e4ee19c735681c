export { formatDuration, formatShortDuration, parseDuration } from './duration.ts';
export { ConfigError, type ConfigFault } from './errors.ts';
export { type Environment, expandEnv } from './expand-env.ts';
export { type ParsedFlags, parseFlags } from './flags.ts';
export { type ConfigSources, defaultsOf, loadConfig, resolveConfig } from './load.ts';
export { nearest } from './nearest.ts';
export {
  describe,
  HIDDEN_SECRET,
  jsonSchema,
  type OptionDescription,
  type RenderYamlOptions,
  renderDefaultYaml,
  renderHelp,
  renderReference,
  renderYaml,
} from './reference.ts';
export {
  type Category,
  type ConfigOf,
  type Mount,
  mount,
  type Option,
  type OptionSpec,
  option,
  type PartialConfig,
  type ReportFault,
  type Section,
  type SectionOf,
  section,
} from './section.ts';
export {
  bool,
  bytes,
  durationMs,
  float,
  int,
  oneOf,
  type Range,
  secret,
  string,
  stringList,
  type Value,
} from './value.ts';
