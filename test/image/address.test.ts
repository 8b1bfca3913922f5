import { describe, expect, it } from "vitest";
import { isPublicAddress } from "../../src/image/address.ts";

/** Each block's first and last address, and its neighbours outside where they are public. */
const blocks: [first: string, last: string, before?: string | undefined, after?: string][] = [
  ["0.0.0.0", "0.255.255.255", undefined, "1.0.0.0"],
  ["10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"],
  ["100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"],
  ["127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"],
  ["168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17"],
  ["169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"],
  ["172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"],
  ["192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"],
  ["192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"],
  ["192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0"],
  ["192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0"],
  ["192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"],
  ["192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"],
  ["192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0"],
  ["198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"],
  ["198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"],
  ["203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"],
  ["224.0.0.0", "239.255.255.255", "223.255.255.255"],
  ["240.0.0.0", "255.255.255.255"],
  ["::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", undefined, "2000::"],
  ["2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff::", "2001:200::"],
  ["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7::", "2001:db9::"],
  ["2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff::", "2003::"],
  ["2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff", "2620:4f:7fff::", "2620:4f:8001::"],
  ["3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3ffe:ffff::", "3fff:1000::"],
  ["4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:ffff::"],
];

describe("addresses that are not public", () => {
  it.each(blocks)("%s to %s", (first, last, before, after) => {
    expect([first, last].map(isPublicAddress)).toEqual([false, false]);
    for (const outside of [before, after]) if (outside !== undefined) expect(isPublicAddress(outside)).toBe(true);
  });

  it.each([
    ["loopback", "::1"],
    ["IPv4-mapped loopback", "::ffff:127.0.0.1"],
    ["IPv4-mapped public address", "::ffff:8.8.8.8"],
    ["IPv4-mapped in hexadecimal", "::ffff:7f00:1"],
    ["IPv4-compatible", "::10.0.0.1"],
    ["NAT64", "64:ff9b::a00:1"],
    ["local-use NAT64", "64:ff9b:1::a00:1"],
    ["discard-only", "100::1"],
    ["Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    ["ORCHID", "2001:20::1"],
    ["6to4 around a private address", "2002:a00:1::"],
    ["unique local", "fd12:3456:789a::1"],
    ["ISATAP around a private address", "2001:470:1:2:0:5efe:10.0.0.1"],
    ["ISATAP of an IPv4 address said to be global", "2001:470:1:2:200:5efe:a00:1"],
    ["ISATAP in a network that ends in zeros", "2001:470::5efe:7f00:1"],
    ["ISATAP around zeros", "2001:470:1:2:0:5efe::"],
    ["link-local", "fe80::1"],
    ["link-local with a zone", "fe80::1%eth0"],
    ["public with a zone", "2606:4700::1%eth0"],
    ["site-local", "fec0::1"],
    ["multicast", "ff02::1"],
    ["metadata service over IPv6", "fd00:ec2::254"],
    ["metadata service", "169.254.169.254"],
  ])("%s: %s", (_name, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(["", "localhost", "127.1", "0x7f000001", "2130706433", "8.8.8", "8.8.8.8 ", "08.8.8.8", "[::1]"])(
    "what is not an address in its plain spelling: %j",
    (text) => {
      expect(isPublicAddress(text)).toBe(false);
    },
  );
});

describe("public addresses", () => {
  it.each([
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2606:4700:0:5efe::1",
    "2606:4700:5efe:1:1:5efe:1:1",
    "2a00:1450:4001:81b::200e",
  ])("%s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});
