/** Intune's services as discovery lists them. */
export type ServiceName = 'ScepRequestValidationFEService' | 'PkiConnectorFEService';

/** Who is talked to. Each has a circuit breaker of its own. */
export type DestinationName = 'entra' | 'graph' | 'scep' | 'pkiConnector';
