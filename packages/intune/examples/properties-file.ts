/**
 * The configuration that Microsoft's reference clients read, unchanged: `AAD_APP_ID`, `AAD_APP_KEY`, `TENANT`,
 * `PROVIDER_NAME_AND_VERSION` and their optional companions, from a `.properties` file or from the environment.
 */
import { IntuneClient, intuneOptionsFromProperties, loadIntuneOptions } from '@scepter/intune';
import type { IntuneClientOptions, Properties } from '@scepter/intune';

/** @param overrides what the file does not or shall not say, such as another credential */
export function connectAsFileSays(file: string, overrides: Partial<IntuneClientOptions> = {}): IntuneClient {
  return new IntuneClient(loadIntuneOptions(file, overrides));
}

/** @param environment `process.env`, as a container's configuration sets it */
export function connectAsEnvironmentSays(
  environment: Properties,
  overrides: Partial<IntuneClientOptions> = {},
): IntuneClient {
  return new IntuneClient(intuneOptionsFromProperties(environment, overrides));
}
