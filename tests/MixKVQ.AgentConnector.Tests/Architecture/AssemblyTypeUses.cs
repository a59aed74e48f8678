using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace MixKVQ.AgentConnector.Tests.Architecture;

/// <summary>Which of the product's types each type of an assembly names, read from its metadata and instructions.</summary>
internal sealed class AssemblyTypeUses
{
    private readonly PEReader _file;
    private readonly MetadataReader _metadata;
    private readonly HashSet<TypeUse> _uses = [];
    private readonly SignatureTypes _signatures;
    private TypeDefinitionHandle _from;

    private AssemblyTypeUses(PEReader file)
    {
        _file = file;
        _metadata = file.GetMetadataReader();
        _signatures = new SignatureTypes(AddType);
    }

    public static IReadOnlyCollection<TypeUse> Of(Assembly assembly)
    {
        using FileStream stream = File.OpenRead(assembly.Location);
        using PEReader file = new(stream);
        AssemblyTypeUses reader = new(file);
        foreach (TypeDefinitionHandle handle in reader._metadata.TypeDefinitions)
        {
            reader._from = handle;
            reader.AddDefinition(reader._metadata.GetTypeDefinition(handle));
        }

        return reader._uses;
    }

    private void AddDefinition(TypeDefinition type)
    {
        Add(type.BaseType);
        AddAttributes(type.GetCustomAttributes());
        foreach (InterfaceImplementationHandle handle in type.GetInterfaceImplementations())
        {
            Add(_metadata.GetInterfaceImplementation(handle).Interface);
        }

        foreach (FieldDefinitionHandle handle in type.GetFields())
        {
            _metadata.GetFieldDefinition(handle).DecodeSignature(_signatures, null);
        }

        foreach (GenericParameterConstraintHandle handle in type.GetGenericParameters().SelectMany(p => _metadata.GetGenericParameter(p).GetConstraints()))
        {
            Add(_metadata.GetGenericParameterConstraint(handle).Type);
        }

        foreach (MethodDefinitionHandle handle in type.GetMethods())
        {
            AddMethod(_metadata.GetMethodDefinition(handle));
        }
    }

    private void AddMethod(MethodDefinition method)
    {
        AddAttributes(method.GetCustomAttributes());
        method.DecodeSignature(_signatures, null);
        if (method.RelativeVirtualAddress == 0)
        {
            return;
        }

        MethodBodyBlock body = _file.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
        {
            _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_signatures, null);
        }

        foreach (ExceptionRegion region in body.ExceptionRegions)
        {
            Add(region.CatchType);
        }

        foreach (int token in MethodTokens.Read(body.GetILBytes()))
        {
            Add(MetadataTokens.EntityHandle(token));
        }
    }

    private void AddAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (CustomAttributeHandle handle in attributes)
        {
            Add(_metadata.GetCustomAttribute(handle).Constructor);
        }
    }

    private void Add(EntityHandle handle)
    {
        if (handle.IsNil)
        {
            return;
        }

        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition or HandleKind.TypeReference:
                AddType(handle);
                break;
            case HandleKind.TypeSpecification:
                _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_signatures, null);
                break;
            case HandleKind.MethodDefinition:
                AddType(_metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.FieldDefinition:
                AddType(_metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType());
                break;
            case HandleKind.MemberReference:
                AddMember(_metadata.GetMemberReference((MemberReferenceHandle)handle));
                break;
            case HandleKind.MethodSpecification:
                MethodSpecification specification = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                specification.DecodeSignature(_signatures, null);
                Add(specification.Method);
                break;
        }
    }

    private void AddMember(MemberReference member)
    {
        Add(member.Parent);
        if (member.GetKind() == MemberReferenceKind.Method)
        {
            member.DecodeMethodSignature(_signatures, null);
        }
        else
        {
            member.DecodeFieldSignature(_signatures, null);
        }
    }

    private void AddType(EntityHandle handle)
    {
        (string fromNamespace, string from) = Outermost(_from);
        (string toNamespace, string to) = Outermost(handle);
        if (toNamespace.StartsWith(ArchitectureTests.Root, StringComparison.Ordinal)
            && fromNamespace.StartsWith(ArchitectureTests.Root, StringComparison.Ordinal)
            && (fromNamespace, from) != (toNamespace, to))
        {
            _uses.Add(new TypeUse(fromNamespace, from, toNamespace, to));
        }
    }

    private (string Namespace, string Name) Outermost(EntityHandle handle)
    {
        if (handle.Kind == HandleKind.TypeReference)
        {
            TypeReference reference = _metadata.GetTypeReference((TypeReferenceHandle)handle);
            return reference.ResolutionScope.Kind == HandleKind.TypeReference
                ? Outermost(reference.ResolutionScope)
                : (_metadata.GetString(reference.Namespace), _metadata.GetString(reference.Name));
        }

        TypeDefinition type = _metadata.GetTypeDefinition((TypeDefinitionHandle)handle);
        return type.GetDeclaringType().IsNil
            ? (_metadata.GetString(type.Namespace), _metadata.GetString(type.Name))
            : Outermost(type.GetDeclaringType());
    }
}
