import { type OpenApiDocument, toDocument } from '@sluice/api';
import { type INestApplication, Injectable } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { DeviceRoutes } from '../device-door/device-routes.ts';

/** The OpenAPI document of the process: Nest's routes from their classes, device routes from their JSON Schemas. */
@Injectable()
export class OpenApi {
  private app: INestApplication | undefined;
  private built: OpenApiDocument | undefined;

  constructor(private readonly deviceRoutes: DeviceRoutes) {}

  attach(app: INestApplication): void {
    this.app = app;
  }

  document(): OpenApiDocument {
    if (this.app === undefined) throw new Error('the application is not attached');
    return (this.built ??= this.build(this.app));
  }

  private build(app: INestApplication): OpenApiDocument {
    const info = new DocumentBuilder()
      .setTitle('Sluice')
      .setDescription('Rollout control for security patches that can be taken back.')
      .setVersion('1')
      .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
      .addBearerAuth()
      .addSecurityRequirements('bearer')
      .build();
    return toDocument(SwaggerModule.createDocument(app, info), this.deviceRoutes.registered);
  }
}
