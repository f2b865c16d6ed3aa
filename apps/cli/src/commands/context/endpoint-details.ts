/** What `--docker` holds, for help. */
export function endpointDetails(verb: string): string {
  return `Docker endpoint config:

NAME                DESCRIPTION
from                Context to copy the endpoint of
host                Address of the daemon
ca                  File with the CA to trust
cert                File with the certificate to present
key                 File with its key
skip-tls-verify     Do not check the daemon's certificate

Example:

$ wharf context ${verb} far --description "the machine next door" --docker "host=tcp://far:2376,ca=~/ca.pem,cert=~/cert.pem,key=~/key.pem"`;
}
