// How the supergraph is composed: once, when the packages are installed.
import { defineConfig } from '@graphql-mesh/compose-cli';
import { loadGrpcSubgraph } from '@omnigraph/grpc';

// subgraph describes a service of the mall. Its address is found in the environment when the gateway starts.
const subgraph = name => ({
  sourceHandler: loadGrpcSubgraph(name, {
    endpoint: `{env.${name.toUpperCase()}_SERVICE}`,
    source: {
      file: `../../../api/${name}/v1/${name}.proto`,
      load: { includeDirs: ['../../../api'] },
    },
    prefixQueryMethod: ['get', 'list', 'batchget'], // all else is a mutation
  }),
});

export const composeConfig = defineConfig({
  subgraphs: ['user', 'order', 'product', 'notice'].map(subgraph),
  // The products of all orders are asked for at once.
  additionalTypeDefs: /* GraphQL */ `
    extend type order__v1__Order {
      product: product__v1__Product
        @resolveTo(
          sourceName: "product"
          sourceTypeName: "Query"
          sourceFieldName: "product_v1_ProductService_BatchGetProducts"
          requiredSelectionSet: "{ product_id }"
          keyField: "product_id"
          keysArg: "input.ids"
          result: "products"
          valueKeyField: "id"
        )
    }
  `,
});
