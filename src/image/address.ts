import { BlockList, isIP } from "node:net";

/**
 * Blocks of the IANA special-purpose registries
 * (https://www.iana.org/assignments/iana-ipv4-special-registry, .../iana-ipv6-special-registry) and what cloud
 * providers answer on. Nothing in them is a public web server.
 */
const special: readonly [block: string, why: string][] = [
  ["0.0.0.0/8", "this network (RFC 791)"],
  ["10.0.0.0/8", "private (RFC 1918)"],
  ["100.64.0.0/10", "carrier-grade NAT (RFC 6598)"],
  ["127.0.0.0/8", "loopback (RFC 1122)"],
  ["168.63.129.16/32", "a cloud provider's host services"],
  ["169.254.0.0/16", "link-local (RFC 3927), metadata services among them"],
  ["172.16.0.0/12", "private (RFC 1918)"],
  ["192.0.0.0/24", "protocol assignments (RFC 6890)"],
  ["192.0.2.0/24", "documentation (RFC 5737)"],
  ["192.31.196.0/24", "AS112 (RFC 7535)"],
  ["192.52.193.0/24", "AMT (RFC 7450)"],
  ["192.88.99.0/24", "6to4 relays (RFC 7526)"],
  ["192.168.0.0/16", "private (RFC 1918)"],
  ["192.175.48.0/24", "AS112 (RFC 7534)"],
  ["198.18.0.0/15", "benchmarking (RFC 2544)"],
  ["198.51.100.0/24", "documentation (RFC 5737)"],
  ["203.0.113.0/24", "documentation (RFC 5737)"],
  ["224.0.0.0/4", "multicast (RFC 5771)"],
  ["240.0.0.0/4", "reserved (RFC 1112), broadcast among them"],
  // Of IPv6 only 2000::/3 is given out; what is special inside it:
  ["2001::/23", "protocol assignments (RFC 2928): Teredo, ORCHID and others"],
  ["2001:db8::/32", "documentation (RFC 3849)"],
  ["2002::/16", "6to4 (RFC 3056), which embeds any IPv4 address"],
  ["2620:4f:8000::/48", "AS112 (RFC 7534)"],
  ["3fff::/20", "documentation (RFC 9637)"],
];

const blocked = new BlockList();
for (const [block] of special) {
  const [network, prefix] = block.split("/");
  blocked.addSubnet(network!, Number(prefix), network!.includes(":") ? "ipv6" : "ipv4");
}
/** IPv6 gives out this part alone: loopback, mapped, NAT64, unique-local, link-local and multicast lie outside. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet("2000::", 3, "ipv6");

/**
 * Tells whether an IP address can belong to a server on the public internet.
 * @param address as `URL.hostname` (without brackets) or a resolver spells it; anything else is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !blocked.check(address, "ipv4");
  if (isIP(address) !== 6 || address.includes("%")) return false; // a zone is a local matter
  return globalUnicast.check(address, "ipv6") && !blocked.check(address, "ipv6") && !isIsatap(address);
}

/** Recognises ISATAP (RFC 5214), which embeds an IPv4 address in any IPv6 network's, behind 0:5efe or 200:5efe. */
function isIsatap(address: string): boolean {
  const { hostname } = new URL(`http://[${address}]`); // in its one canonical spelling
  return /(::|:0:|:200:)5efe:(:|[^:]+:[^:]+)\]$/.test(hostname);
}
