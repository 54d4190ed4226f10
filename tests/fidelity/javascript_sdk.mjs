// Asks the embedded AWS as a Node program does: with the JavaScript SDK v3 as it comes. One JSON line for each answer.
import { DynamoDBClient, GetItemCommand, PutItemCommand, CreateTableCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { SQSClient, CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs'

const settings = {
  endpoint: process.env.ENDPOINT,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
}
const tell = (name, value) => console.log(JSON.stringify({ name, value }))
const refusal = async (promise) => {
  try {
    return await promise
  } catch (error) {
    return { name: error.name, status: error.$metadata.httpStatusCode }
  }
}

const dynamodb = new DynamoDBClient(settings)
await dynamodb.send(
  new CreateTableCommand({
    TableName: 'from-node',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  }),
)
const item = { id: { S: 'a' }, picture: { B: new Uint8Array([1, 255]) }, n: { N: '1.5' } }
await dynamodb.send(new PutItemCommand({ TableName: 'from-node', Item: item }))
const got = await dynamodb.send(new GetItemCommand({ TableName: 'from-node', Key: { id: { S: 'a' } } }))
tell('item', { ...got.Item, picture: { B: [...got.Item.picture.B] } })
tell('condition', await refusal(
  dynamodb.send(new PutItemCommand({ TableName: 'from-node', Item: item, ConditionExpression: 'attribute_not_exists(id)' })),
))
const documents = DynamoDBDocumentClient.from(dynamodb)
await documents.send(new PutCommand({ TableName: 'from-node', Item: { id: 'b', tags: new Set(['x']), deep: { list: [1, null] } } }))
const found = await documents.send(
  new QueryCommand({ TableName: 'from-node', KeyConditionExpression: 'id = :b', ExpressionAttributeValues: { ':b': 'b' } }),
)
tell('document', { ...found.Items[0], tags: [...found.Items[0].tags] })

const sqs = new SQSClient(settings)
const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'from-node' }))
await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'ü' }))
tell('message', (await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages[0].Body)
tell('no queue', await refusal(sqs.send(new SendMessageCommand({ QueueUrl: `${QueueUrl}-not`, MessageBody: 'a' }))))
