namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Hosts, addresses and resource identifiers. All are subsets: what is left out is rare, or refused by some validators.</summary>
internal static class NetworkGrammar
{
    /// <summary>
    /// Names of RFC 1123, section 2.1, of at most 253 characters: three long labels or eight shorter ones, counting labels of 63
    /// against a total of 253 would need 16,000 states. The last label begins with a letter, so that no name looks like an address.
    /// </summary>
    public const string Host = $$"""(?:(?:{{Label63}}\.){0,2}{{LastLabel63}}|(?:{{Label30}}\.){0,7}{{LastLabel30}})""";

    /// <summary>RFC 2673, section 3.2, without leading zeros.</summary>
    public const string Ipv4 = $$"""{{Octet}}(?:\.{{Octet}}){3}""";

    /// <summary>RFC 4291, section 2.2.</summary>
    public const string Ipv6 =
        $$"""(?:(?:{{H16}}:){7}{{H16}}|(?:{{H16}}:){1,7}:|(?:{{H16}}:){1,6}:{{H16}}|(?:{{H16}}:){1,5}(?::{{H16}}){1,2}|(?:{{H16}}:){1,4}(?::{{H16}}){1,3}|(?:{{H16}}:){1,3}(?::{{H16}}){1,4}|(?:{{H16}}:){1,2}(?::{{H16}}){1,5}|{{H16}}:(?::{{H16}}){1,6}|:(?::{{H16}}){1,7}|::|::(?:[fF]{4}:)?{{Ipv4}})""";

    /// <summary>RFC 5321, section 4.1.2: Dot-string@Domain, with a top-level domain of letters as common validators want it.</summary>
    public const string Email = $"{LocalPart}@{MailHost}";

    /// <summary>RFC 5321, section 4.5.3.1.1; and no two hyphens together in the domain.</summary>
    public const string EmailLimits = "[^@]{1,64}@(?:[^-]|-[^-])*";

    /// <summary>RFC 3986, appendix A: common schemes, without user information.</summary>
    public const string Uri = $"(?:{Schemes}://(?:{Host}|{Ipv4})(?::{Port})?(?:/{PathCharacter}*)*{Tail}|{Opaque})";

    /// <summary>RFC 3986, section 4.2: a URI, or a relative reference without an authority.</summary>
    public const string UriReference = $"(?:{Uri}|{RelativePath}{Tail})";

    /// <summary>RFC 3987, section 2.2: a URI that may have letters of every script behind its authority.</summary>
    public const string Iri = $"(?:{Schemes}://(?:{Host}|{Ipv4})(?::{Port})?(?:/{IriCharacter}*)*{IriTail}|{Opaque})";

    public const string IriReference = $"(?:{Iri}|{IriRelativePath}{IriTail})";

    /// <summary>RFC 6570, section 2, with literals of ASCII.</summary>
    public const string UriTemplate =
        $$"""(?:[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=-]|{{Escaped}}|\{[+#./;?&]?{{Variable}}(?:,{{Variable}})*\})*""";

    private const string Label63 = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";

    private const string Label30 = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?";

    private const string LastLabel63 = "[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";

    private const string LastLabel30 = "[A-Za-z](?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?";

    private const string MailHost = $$"""(?:(?:{{Label63}}\.){1,2}|(?:{{Label30}}\.){1,7})[A-Za-z]{2,24}""";

    private const string Octet = @"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";

    private const string H16 = "[0-9A-Fa-f]{1,4}";

    private const string AtomCharacter = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]";

    private const string LocalPart = $@"{AtomCharacter}+(?:\.{AtomCharacter}+)*";

    private const string Schemes = "(?:https?|ftp|sftp|ssh|git|wss?|s3)";

    private const string Port = @"(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])";

    private const string Escaped = "%[0-9A-Fa-f]{2}";

    private const string PathCharacter = $"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|{Escaped})";

    private const string QueryCharacter = $"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|{Escaped})";

    private const string Tail = $@"(?:\?{QueryCharacter}*)?(?:#{QueryCharacter}*)?";

    private const string RelativePath = $"(?:/(?:{PathCharacter}+(?:/{PathCharacter}*)*)?|(?:[A-Za-z0-9._~!$&'()*+,;=@-]|{Escaped})+(?:/{PathCharacter}*)*)?";

    private const string IriCharacter = $@"(?:[A-Za-z0-9._~!$&'()*+,;=:@\p{{L}}-]|{Escaped})";

    private const string IriQueryCharacter = $@"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\p{{L}}-]|{Escaped})";

    private const string IriTail = $@"(?:\?{IriQueryCharacter}*)?(?:#{IriQueryCharacter}*)?";

    private const string IriRelativePath =
        $@"(?:/(?:{IriCharacter}+(?:/{IriCharacter}*)*)?|(?:[A-Za-z0-9._~!$&'()*+,;=@\p{{L}}-]|{Escaped})+(?:/{IriCharacter}*)*)?";

    /// <summary>URNs (RFC 8141, section 2), mail and telephone addresses (RFC 6068, RFC 3966) and local files (RFC 8089).</summary>
    private const string Opaque =
        $$"""(?:urn:[A-Za-z0-9][A-Za-z0-9-]{0,30}[A-Za-z0-9]:{{PathCharacter}}+|mailto:[A-Za-z0-9_-]+(?:[.+][A-Za-z0-9_-]+)*@{{MailHost}}|tel:\+?\d{3,15}|file://(?:/{{PathCharacter}}+)+)""";

    private const string Variable = @"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*(?:\*|:[1-9]\d{0,3})?";
}
