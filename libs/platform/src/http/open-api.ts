import { type INestApplication, Injectable } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { DeviceRoutes } from '../device-door/device-routes.ts';

/** The OpenAPI document of the process: Nest's routes from their classes, device routes from their JSON Schemas. */
@Injectable()
export class OpenApi {
  private app: INestApplication | undefined;
  private built: OpenAPIObject | undefined;

  constructor(private readonly deviceRoutes: DeviceRoutes) {}

  attach(app: INestApplication): void {
    this.app = app;
  }

  document(): OpenAPIObject {
    if (this.app === undefined) throw new Error('the application is not attached');
    return (this.built ??= this.build(this.app));
  }

  private build(app: INestApplication): OpenAPIObject {
    const info = new DocumentBuilder()
      .setTitle('Sluice')
      .setVersion('1')
      .addBearerAuth()
      .addSecurityRequirements('bearer')
      .build();
    const document = SwaggerModule.createDocument(app, info);
    for (const { path, summary, body, answer, status } of this.deviceRoutes.registered) {
      document.paths[path] = {
        post: {
          tags: ['devices'],
          summary,
          requestBody: { required: true, content: { 'application/json': { schema: body } } },
          responses: { [status]: { description: 'OK', content: { 'application/json': { schema: answer } } } },
        },
      };
    }
    return document;
  }
}
