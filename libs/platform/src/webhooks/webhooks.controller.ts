import { Operation, PageQuery, TestWebhooksBody, WebhookPage, WebhookTests } from '@sluice/api';
import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/auth.ts';
import { paged } from '../http/paging.ts';
import { ProblemError } from '../http/problem.ts';
import { Webhooks } from './webhooks.ts';

@ApiTags('operations')
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: Webhooks) {}

  @Get()
  @Roles('operator', 'responder')
  @Operation({
    id: 'listWebhooks',
    summary: 'List the receivers of webhooks, without their secrets, and how they are',
    answers: { 200: WebhookPage },
    problems: ['unknown-cursor'],
  })
  list(@Query() query: PageQuery): WebhookPage {
    const page = paged(this.webhooks.receivers, query, { list: 'webhooks', keyOf: ({ name }) => [name] });
    return { ...page, items: page.items.map((receiver) => this.webhooks.view(receiver)) };
  }

  @Post('test')
  @HttpCode(200)
  @Roles('operator')
  @Operation({
    id: 'testWebhooks',
    summary: 'Send a test to each receiver now, and say what each made of it',
    answers: { 200: WebhookTests },
    problems: ['receiver-not-found'],
  })
  async test(@Body() { receiver: wanted }: TestWebhooksBody): Promise<WebhookTests> {
    const receivers = this.webhooks.receivers.filter(({ name }) => name === (wanted ?? name));
    if (receivers.length === 0 && wanted !== undefined) throw new ProblemError('receiver-not-found', wanted);
    return { results: await Promise.all(receivers.map((receiver) => this.webhooks.test(receiver))) };
  }
}
