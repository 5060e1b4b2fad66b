import { IntuneArgumentError } from '../errors.ts';
import type { IntuneClientOptions } from '../options.ts';
import { loadProperties } from './load-properties.ts';
import { findMisspelledProperties } from './misspelled-properties.ts';
import { intuneOptionsFromProperties } from './options-from-properties.ts';

/**
 * The options of a client from a `.properties` file, such as the one that Microsoft's reference clients read. Unlike an
 * environment, a file is written for its reader: a property whose name is nearly a known one is refused, since it would
 * have no effect. Any other unknown property is ignored.
 *
 * In this format a backslash escapes: write paths of Windows with `/` or `\\`. Names of files within it are relative to
 * the current directory.
 *
 * @param file path of the file
 * @param overrides options that take the place of properties
 * @throws {IntuneArgumentError} the file cannot be read (`argument` is `file`), is no `.properties` file (`properties`),
 *   or a property is missing, unusable or misspelled (its name)
 *
 * @example
 * ```ts
 * const client = new IntuneClient(loadIntuneOptions('/etc/scep/intune.properties'));
 * ```
 */
export function loadIntuneOptions(
  file: string | URL,
  overrides: Partial<IntuneClientOptions> = {},
): IntuneClientOptions {
  const properties = loadProperties(file);
  const [misspelled] = findMisspelledProperties(properties);
  if (misspelled !== undefined) {
    throw new IntuneArgumentError(misspelled.name, `is no property; probably ${misspelled.meant} is meant`);
  }
  return intuneOptionsFromProperties(properties, overrides);
}
